// A driver on every host of the bed, and what a CO does with them, in as few words as a test wants.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Mount } from '../../../src/host/mountinfo.ts';
import type { VolumeCapabilityAccessModeMode } from '../../../src/wire/generated/csi-types.ts';
import type { CsiClient } from '../../csi/client.ts';
import { type NfsServer, nas, nas2 } from './bed.ts';
import { type BerthOptions, BerthProcess } from './berth-process.ts';
import { Host } from './host.ts';

/** One node of the cluster, with its driver. */
export class ClusterNode {
  readonly host: Host;
  readonly #options: BerthOptions;
  berth: BerthProcess;

  constructor(host: Host, options: BerthOptions, berth: BerthProcess) {
    this.host = host;
    this.#options = options;
    this.berth = berth;
  }

  get csi(): CsiClient['Node'] {
    return this.berth.client.Node;
  }

  /** Kills the driver without a farewell and starts it again. */
  async restart(): Promise<void> {
    await this.berth.kill();
    this.berth = await BerthProcess.start(this.host, this.#options);
  }

  /** What a reboot leaves: the driver gone, nothing mounted, no loop device, the directories of kubelet still there. */
  async reboot(): Promise<void> {
    await this.berth.kill();
    const loops = await this.loopDevices();
    for (const { mountPoint } of this.mounts().reverse()) {
      await this.host.run('umount', '-l', '--no-canonicalize', mountPoint);
    }
    for (const device of loops) await this.host.run('losetup', '--detach', device);
    this.berth = await BerthProcess.start(this.host, this.#options);
  }

  /** All that is mounted for volumes on this node: pools, staged and published. */
  mounts(): Mount[] {
    return [
      ...this.host.mountsBelow(this.berth.stateDir),
      ...this.host.mountsBelow(`/kubelet-${this.host.name}`),
    ];
  }

  /** Of these, the mounts of whole pools. */
  poolMounts(): Mount[] {
    return this.host.mountsBelow(this.berth.stateDir);
  }

  /** Loop devices over what lies on this node's pools. */
  async loops(): Promise<string[]> {
    const list = await this.host.run('losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE');
    return list.split('\n').filter((line) => line.includes(` ${this.berth.stateDir}/`));
  }

  async loopDevices(): Promise<string[]> {
    return (await this.loops()).map((line) => line.split(' ', 1)[0] ?? '');
  }

  target(pod: string): string {
    return `/kubelet-${this.host.name}/pods/${pod}/mount`;
  }
}

export interface Volume {
  readonly id: string;
  readonly context: Readonly<Record<string, string>>;
  readonly mode: VolumeCapabilityAccessModeMode;
  readonly flags: readonly string[];
  /** Of an image; "raw" for the device itself. */
  readonly kind?: 'ext4' | 'xfs' | 'raw' | undefined;
  /** What ControllerPublishVolume told of each node. */
  readonly published: Map<string, Readonly<Record<string, string>>>;
}

interface StartOptions {
  /** The test itself has to take all down, what is mounted and what is attached; else loop devices only. */
  readonly leavesNothing?: boolean;
  /** Patterns of the nodes' devices that may be used. */
  readonly devices?: readonly string[];
}

export class Cluster {
  readonly nodes: readonly ClusterNode[];
  readonly #host: Host;
  readonly #options: BerthOptions;
  controller: BerthProcess;

  private constructor(host: Host, options: BerthOptions, controller: BerthProcess, nodes: ClusterNode[]) {
    this.#host = host;
    this.#options = options;
    this.controller = controller;
    this.nodes = nodes;
  }

  /**
   * Starts a controller on host c and a node plugin on a and b; all end, and nothing stays mounted, after the test.
   */
  static async start(
    t: TestContext,
    pools: Readonly<Record<string, object>>,
    { leavesNothing = false, devices = [] }: StartOptions = {},
  ): Promise<Cluster> {
    const config = { pools, devices };
    const controllerOptions: BerthOptions = { mode: 'controller', config };
    const host = new Host('c');
    const starting = BerthProcess.start(host, controllerOptions);
    const nodes = ['a', 'b'].map(async (name) => {
      const options: BerthOptions = { mode: 'node', config };
      const nodeHost = new Host(name);
      mkdirSync(nodeHost.path(`/kubelet-${name}/pods`), { recursive: true });
      return new ClusterNode(nodeHost, options, await BerthProcess.start(nodeHost, options));
    });
    const cluster = new Cluster(host, controllerOptions, await starting, await Promise.all(nodes));
    t.after(async () => {
      // Only what a failed test says is read; the logs of the others would hide it.
      if (!t.passed) cluster.#tell();
      const left = (await Promise.all(cluster.nodes.map((node) => node.loops()))).flat();
      if (leavesNothing)
        left.push(...cluster.nodes.flatMap((node) => node.mounts()).map(({ mountPoint }) => mountPoint));
      await cluster.#end();
      if (leavesNothing) left.push(...[nas, nas2].flatMap(takeAttachments));
      assert.deepEqual(left, [], 'the test has left something behind');
    });
    return cluster;
  }

  get csi(): CsiClient['Controller'] {
    return this.controller.client.Controller;
  }

  node(name: 'a' | 'b'): ClusterNode {
    const node = this.nodes.find(({ host }) => host.name === name);
    if (node === undefined) throw new Error(`there is no node ${name}`);
    return node;
  }

  async killController(): Promise<void> {
    await this.controller.kill();
    this.controller = await BerthProcess.start(this.#host, this.#options);
  }

  async create(
    name: string,
    options: {
      pool?: string;
      mode?: Volume['mode'];
      flags?: string[];
      parameters?: Record<string, string>;
      kind?: Volume['kind'];
      bytes?: number;
    } = {},
  ): Promise<Volume> {
    const { pool = 'nas', mode = 'MULTI_NODE_MULTI_WRITER', flags = [], parameters = {}, kind } = options;
    const { volume } = await this.csi.CreateVolume({
      name,
      parameters: { pool, ...parameters },
      volume_capabilities: [capabilityOf({ mode, flags, kind })],
      capacity_range: { required_bytes: String(options.bytes ?? 0) },
    });
    return {
      id: volume?.volume_id ?? '',
      context: volume?.volume_context ?? {},
      mode,
      flags,
      kind,
      published: new Map(),
    };
  }

  async attach(volume: Volume, node: ClusterNode): Promise<void> {
    const { publish_context: context } = await this.csi.ControllerPublishVolume({
      volume_id: volume.id,
      node_id: node.host.name,
      volume_capability: capabilityOf(volume),
      volume_context: volume.context,
    });
    volume.published.set(node.host.name, context);
  }

  async detach(volume: Volume, node: ClusterNode): Promise<void> {
    await this.csi.ControllerUnpublishVolume({ volume_id: volume.id, node_id: node.host.name });
  }

  /** The pools that the controller has mounted for itself. */
  controllerMounts(): Mount[] {
    return this.#host.mountsBelow(this.controller.stateDir);
  }

  /** Shows what the drivers have logged. */
  #tell(): void {
    for (const [name, berth] of [
      ['controller', this.controller],
      ...this.nodes.map(({ host, berth: own }) => [host.name, own] as const),
    ] as const) {
      console.log(`log of ${name}:\n${berth.output}`);
    }
  }

  async #end(): Promise<void> {
    for (const node of this.nodes) {
      await node.berth.kill();
      const loops = await node.loopDevices();
      for (const { mountPoint } of node.mounts().reverse()) {
        await node.host.run('umount', '-l', '--no-canonicalize', mountPoint);
      }
      for (const device of loops) await node.host.run('losetup', '--detach', device);
    }
    await this.controller.kill();
    for (const { mountPoint } of this.controllerMounts().reverse()) {
      await this.#host.run('umount', '-l', '--no-canonicalize', mountPoint);
    }
  }
}

/**
 * The attachments on a server's pool, of volumes that nodes have, or were taken by force; removed, since every later test
 * would be told of them as well.
 */
function takeAttachments(server: NfsServer): string[] {
  const folder = join(server.export, '.berth/volumes');
  if (!existsSync(folder)) return [];
  const left = readdirSync(folder).filter((name) => name.startsWith('+'));
  for (const name of left) rmSync(join(folder, name), { recursive: true });
  return left;
}

/** What the first server's pool holds of volumes whose names are like this, the archive left out. */
export function left(names: RegExp): string[] {
  const state = join(nas.export, '.berth');
  const folders = [nas.export, ...['volumes', 'trash', 'paths'].map((folder) => join(state, folder))];
  return folders.flatMap((folder) => readdirSync(folder)).filter((name) => names.test(name));
}

export function stagingPath(volume: Volume, node: ClusterNode): string {
  const directory = `/kubelet-${node.host.name}/staging/${volume.id.replaceAll('/', '_')}`;
  mkdirSync(node.host.path(directory), { recursive: true });
  return directory;
}

export async function stage(volume: Volume, node: ClusterNode): Promise<void> {
  await node.csi.NodeStageVolume({
    volume_id: volume.id,
    staging_target_path: stagingPath(volume, node),
    volume_capability: capabilityOf(volume),
    volume_context: volume.context,
    publish_context: volume.published.get(node.host.name) ?? {},
  });
}

/** Publishes to a pod; returns the path at which the test finds the volume, from outside the node. */
export async function publish(
  volume: Volume,
  node: ClusterNode,
  pod: string,
  readonly = false,
): Promise<string> {
  const target = node.target(pod);
  mkdirSync(node.host.path(join(target, '..')), { recursive: true });
  await node.csi.NodePublishVolume({
    volume_id: volume.id,
    staging_target_path: stagingPath(volume, node),
    target_path: target,
    volume_capability: capabilityOf(volume),
    volume_context: volume.context,
    publish_context: volume.published.get(node.host.name) ?? {},
    readonly,
  });
  return target;
}

export async function unpublish(volume: Volume, node: ClusterNode, pod: string): Promise<void> {
  await node.csi.NodeUnpublishVolume({ volume_id: volume.id, target_path: node.target(pod) });
}

export async function unstage(volume: Volume, node: ClusterNode): Promise<void> {
  await node.csi.NodeUnstageVolume({ volume_id: volume.id, staging_target_path: stagingPath(volume, node) });
}

function capabilityOf({ mode, flags, kind }: Pick<Volume, 'mode' | 'flags' | 'kind'>) {
  if (kind === 'raw') return { access_mode: { mode }, block: {} };
  return { access_mode: { mode }, mount: { mount_flags: [...flags], fs_type: kind ?? '' } };
}
