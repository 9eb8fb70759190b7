import { type FSWatcher, lstatSync, mkdirSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import type { PluginInfo, RegistrationStatusInit } from '../../src/wire/generated/registration-types.ts';
import { registrationDefinition } from '../../src/wire/registration.ts';
import { connect } from '../csi/client.ts';
import { cleanUp } from './clean-up.ts';

interface Method {
  readonly path: string;
  readonly requestSerialize: (value: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** So that no test hangs. */
const limitMs = 60_000;

/** What kubelet knows of a driver that it has registered. */
export interface Registered extends PluginInfo {
  /** As NodeGetInfo gave it, called at the endpoint. */
  readonly nodeId: string;
}

interface Judgement {
  readonly status: RegistrationStatusInit;
  readonly registered?: Registered;
}

/**
 * kubelet's plugin watcher: registers what puts a socket into its folder, forgets what takes it away, and, as kubelets
 * before 1.36 do, asks again only when the socket is made anew.
 */
export class FakeKubelet {
  readonly directory: string;
  /** By the socket's name; once the driver has been told of it. */
  readonly registered = new Map<string, Registered>();
  /** How many registrations it refuses from now on. */
  refuse = 0;
  #watcher: FSWatcher | undefined;
  #listeners: (() => void)[] = [];
  readonly #clients = new Set<Client>();

  /** Makes the folder. */
  constructor(t: TestContext, directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
    cleanUp(t, () => this.stop());
  }

  /** Looks at what is there, and watches. */
  start(): void {
    this.#watcher = watch(this.directory, (_, name) => this.#look(String(name)));
    for (const name of readdirSync(this.directory)) this.#look(name);
  }

  stop(): void {
    this.#watcher?.close();
    for (const client of this.#clients) client.close();
    this.registered.clear();
  }

  /** Resolves when what it knows is so; each change of it is a reason to look. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#listeners.push(resolve));
  }

  #changed(): void {
    for (const listener of this.#listeners.splice(0)) listener();
  }

  #look(name: string): void {
    const socket = join(this.directory, name);
    if (lstatSync(socket, { throwIfNoEntry: false })?.isSocket() === true) {
      // A driver that dies while it is asked is asked again when its socket is made anew.
      this.#register(name, socket).catch(() => {});
      return;
    }
    this.registered.delete(name);
    this.#changed();
  }

  async #register(name: string, socket: string): Promise<void> {
    const client = new Client(`unix:${socket}`, credentials.createInsecure(), {
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 200,
      // What grpc-go makes of a path that it dials (kubelet 1.29 and newer).
      'grpc.default_authority': encodeURIComponent(socket),
    });
    this.#clients.add(client);
    try {
      // A socket is seen before anybody listens on it.
      await ready(client);
      const { GetInfo, NotifyRegistrationStatus } = registrationDefinition();
      const info = await call(client, GetInfo, {});
      const { status, registered } = await this.#judge(info);
      await call(client, NotifyRegistrationStatus, status);
      if (registered !== undefined) this.registered.set(name, registered);
    } finally {
      this.#clients.delete(client);
      client.close();
      this.#changed();
    }
  }

  async #judge(info: PluginInfo): Promise<Judgement> {
    if (this.refuse > 0) {
      this.refuse -= 1;
      return { status: { plugin_registered: false, error: 'this kubelet is in a bad mood' } };
    }
    if (info.type !== 'CSIPlugin') return { status: { error: `no handler for ${info.type}` } };
    const csi = connect(info.endpoint);
    try {
      const { node_id } = await csi.Node.NodeGetInfo({}, { deadline: Date.now() + limitMs });
      return { status: { plugin_registered: true }, registered: { ...info, nodeId: node_id } };
    } catch (error) {
      return { status: { error: String(error) } };
    } finally {
      csi.close();
    }
  }
}

function ready(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + limitMs, (error) => (error ? reject(error) : resolve()));
  });
}

function call(client: Client, method: Method, request: object): Promise<PluginInfo> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize as (value: object) => Buffer,
      method.responseDeserialize,
      request,
      { deadline: Date.now() + limitMs },
      (error, response) => (error ? reject(error) : resolve(response as PluginInfo)),
    );
  });
}
