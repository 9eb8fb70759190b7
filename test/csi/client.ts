// A CSI client for tests, bench and demo: what a sidecar or kubelet would say to the driver's socket.
import {
  type CallOptions,
  Client,
  type ClientReadableStream,
  credentials,
  type MethodDefinition,
} from '@grpc/grpc-js';
import { type ServiceName, services } from '../../src/wire/csi.ts';
import type { Services } from '../../src/wire/generated/csi-types.ts';

/** The methods that are not streams, as functions that return a promise of the answer. */
export type Methods<Service> = {
  readonly [Method in keyof Service as Service[Method] extends { stream: true }
    ? never
    : Method]: Service[Method] extends { requestInit: infer Request; response: infer Response }
    ? (request: Request, options?: CallOptions) => Promise<Response>
    : never;
};

/** The methods that are streams; a call that is cancelled, or left, tells the driver so. */
export type Streams<Service> = {
  readonly [Method in keyof Service as Service[Method] extends { stream: true }
    ? Method
    : never]: Service[Method] extends { requestInit: infer Request; response: infer Response }
    ? (request: Request, options?: CallOptions) => ClientReadableStream<Response>
    : never;
};

export type CsiClient = {
  readonly [Name in ServiceName]: Methods<Services[Name]> & Streams<Services[Name]>;
} & {
  /** Resolves when the driver accepts connections; rejects after `timeout` milliseconds. */
  ready(timeout?: number): Promise<void>;
  close(): void;
};

/** Calls without options fail with DEADLINE_EXCEEDED after this many milliseconds, as those of kubelet do. */
const defaultTimeout = 120_000;

export function connect(socket: string): CsiClient {
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), {
    // A driver that is being restarted is tried again at once, not after the usual second.
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 200,
    // Not the connection of another client to this socket, whose driver may just have been killed.
    'grpc.use_local_subchannel_pool': 1,
  });
  return {
    Identity: methodsOf(client, 'Identity'),
    Controller: methodsOf(client, 'Controller'),
    GroupController: methodsOf(client, 'GroupController'),
    SnapshotMetadata: methodsOf(client, 'SnapshotMetadata'),
    Node: methodsOf(client, 'Node'),
    ready: (timeout = 30_000) =>
      new Promise((resolve, reject) => {
        client.waitForReady(Date.now() + timeout, (error) => (error ? reject(error) : resolve()));
      }),
    close: () => client.close(),
  };
}

function methodsOf<Name extends ServiceName>(
  client: Client,
  name: Name,
): Methods<Services[Name]> & Streams<Services[Name]> {
  const definitions: Record<string, MethodDefinition<unknown, unknown>> = services[name];
  const methods = Object.entries(definitions).map(([method, definition]) => [
    method,
    definition.responseStream ? stream(client, definition) : unary(client, definition),
  ]);
  // The cast: the names and types come from the same descriptor as the definitions.
  return Object.fromEntries(methods) as Methods<Services[Name]> & Streams<Services[Name]>;
}

type Definition = MethodDefinition<unknown, unknown>;

function unary(client: Client, { path, requestSerialize, responseDeserialize }: Definition) {
  return (request: unknown, options: CallOptions = {}) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        { deadline: Date.now() + defaultTimeout, ...options },
        (error, response) => (error ? reject(error) : resolve(response)),
      );
    });
}

function stream(client: Client, { path, requestSerialize, responseDeserialize }: Definition) {
  return (request: unknown, options: CallOptions = {}) =>
    client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, {
      deadline: Date.now() + defaultTimeout,
      ...options,
    });
}
