import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mount } from '../src/host/mountinfo.ts';
import type { VolumeCapabilityAccessModeMode } from '../src/wire/generated/csi-types.ts';
import type { World, WorldNode } from './world.ts';

/** What Kubernetes' access modes are called in CSI. */
export const modes = {
  ReadWriteMany: 'MULTI_NODE_MULTI_WRITER',
  ReadWriteOnce: 'SINGLE_NODE_MULTI_WRITER',
} as const satisfies Record<string, VolumeCapabilityAccessModeMode>;

export type Mode = keyof typeof modes;

export interface Volume {
  readonly id: string;
  readonly mode: Mode;
  /** Pods have it as a device. */
  readonly block: boolean;
  readonly context: Readonly<Record<string, string>>;
  /** What ControllerPublishVolume told of each node. */
  readonly published: Map<string, Readonly<Record<string, string>>>;
}

export function capability({ mode, block }: Pick<Volume, 'mode' | 'block'>) {
  const access_mode = { mode: modes[mode] } as const;
  return block ? { block: {}, access_mode } : { mount: {}, access_mode };
}

/** What external-provisioner asks for when a claim appears. */
export async function createVolume(
  { controller }: World,
  pool: string,
  name: string,
  mode: Mode,
  parameters: Readonly<Record<string, string>> = {},
  { block = false, bytes = 1024 ** 3 } = {},
): Promise<Volume> {
  const { volume } = await controller.Controller.CreateVolume({
    name,
    capacity_range: { required_bytes: String(bytes) },
    volume_capabilities: [capability({ mode, block })],
    parameters: { pool, ...parameters },
  });
  if (volume === null) throw new Error('CreateVolume answered without a volume');
  const { volume_id: id, volume_context: context } = volume;
  return { id, mode, block, context, published: new Map() };
}

/** What external-attacher asks for when a pod is scheduled to a node. */
export async function attach({ controller }: World, volume: Volume, node: WorldNode): Promise<void> {
  const { publish_context: context } = await controller.Controller.ControllerPublishVolume({
    volume_id: volume.id,
    node_id: node.id,
    volume_capability: capability(volume),
    volume_context: volume.context,
  });
  volume.published.set(node.id, context);
}

export async function detach({ controller }: World, volume: Volume, node: WorldNode): Promise<void> {
  await controller.Controller.ControllerUnpublishVolume({ volume_id: volume.id, node_id: node.id });
}

/** A pod with one volume, as kubelet starts and ends it. */
export class Pod {
  readonly node: WorldNode;
  readonly volume: Volume;
  /** The volume's target path. */
  readonly path: string;
  readonly #staging: string;

  constructor(node: WorldNode, volume: Volume, name: string) {
    this.node = node;
    this.volume = volume;
    this.path = join(node.directory, 'pods', name, 'mount');
    this.#staging = join(node.directory, 'staging', volume.id);
  }

  async start(): Promise<void> {
    await mkdir(join(this.path, '..'), { recursive: true });
    await mkdir(this.#staging, { recursive: true });
    const common = {
      volume_id: this.volume.id,
      staging_target_path: this.#staging,
      volume_capability: capability(this.volume),
      volume_context: this.volume.context,
      publish_context: this.volume.published.get(this.node.id) ?? {},
    };
    await this.node.client.Node.NodeStageVolume(common);
    await this.node.client.Node.NodePublishVolume({ ...common, target_path: this.path });
  }

  /** Ends the pod; the last one of a volume on its node also unstages it. */
  async end({ last }: { last: boolean }): Promise<void> {
    await this.node.client.Node.NodeUnpublishVolume({ volume_id: this.volume.id, target_path: this.path });
    if (!last) return;
    await this.node.client.Node.NodeUnstageVolume({
      volume_id: this.volume.id,
      staging_target_path: this.#staging,
    });
  }

  write(file: string, text: string): Promise<string> {
    return this.node.shell(`printf '%s' '${text}' >'${this.path}/${file}'`);
  }

  read(file: string): Promise<string> {
    return this.node.shell(`cat '${this.path}/${file}'`);
  }

  /** What the kernel's mount table has at the target path. */
  mounted(): Mount | undefined {
    return this.node.mounts().findLast(({ mountPoint }) => mountPoint === this.path);
  }
}
