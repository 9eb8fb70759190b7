// The drivers that are compared, behind the calls that the bench makes.

import type { VolumeContentSourceInit } from '../src/wire/generated/csi-types.ts';
import type { CsiClient } from '../test/csi/client.ts';

export interface Contestant {
  readonly controller: CsiClient;
  readonly node: CsiClient;
  /** The parameters of the StorageClass. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Whether there is a NodeStageVolume to be called before the first publish. */
  readonly stages: boolean;
}

export interface CreatedVolume {
  readonly id: string;
  readonly context: Readonly<Record<string, string>>;
}

let names = 0;
/** Of a volume or a snapshot; no other has it. */
export const newName = (): string => {
  names += 1;
  return `bench-${names}`;
};

const capability = { mount: {}, access_mode: { mode: 'MULTI_NODE_MULTI_WRITER' } } as const;

interface CreateOptions {
  /** Parameters of the StorageClass that are others than the contestant's. */
  readonly overrides?: Readonly<Record<string, string>>;
  readonly source?: VolumeContentSourceInit | null;
  /** Milliseconds. */
  readonly timeout?: number;
}

const createTimeout = 60_000;

export async function createVolume(
  { controller, parameters }: Contestant,
  name: string,
  { overrides = {}, source = null, timeout = createTimeout }: CreateOptions = {},
): Promise<CreatedVolume> {
  const request = {
    name,
    capacity_range: { required_bytes: String(1 << 20) },
    volume_capabilities: [capability],
    parameters: { ...parameters, ...overrides },
    volume_content_source: source,
  };
  const { volume } = await controller.Controller.CreateVolume(request, { deadline: Date.now() + timeout });
  if (volume === null) throw new Error('CreateVolume answered without a volume');
  return { id: volume.volume_id, context: volume.volume_context };
}

/** Where the volume's directory is, below what the server exports. */
export const directoryOf = ({ context }: CreatedVolume, name: string): string =>
  context.subDir ?? context.subdir ?? name;

/** A driver that removes a full volume within the call takes its time. */
const deleteTimeout = 5 * 60_000;

export async function deleteVolume({ controller }: Contestant, id: string): Promise<void> {
  await controller.Controller.DeleteVolume({ volume_id: id }, { deadline: Date.now() + deleteTimeout });
}

/** What kubelet calls for the first pod of a volume on a node. */
export async function firstPod(
  contestant: Contestant,
  volume: CreatedVolume,
  paths: { readonly staging: string; readonly target: string },
): Promise<void> {
  if (contestant.stages) {
    await contestant.node.Node.NodeStageVolume({
      volume_id: volume.id,
      volume_context: volume.context,
      volume_capability: capability,
      staging_target_path: paths.staging,
    });
  }
  await furtherPod(contestant, volume, paths);
}

/** What kubelet calls for each further pod of that volume. */
export async function furtherPod(
  { node, stages }: Contestant,
  volume: CreatedVolume,
  { staging, target }: { readonly staging: string; readonly target: string },
): Promise<void> {
  await node.Node.NodePublishVolume({
    volume_id: volume.id,
    volume_context: volume.context,
    volume_capability: capability,
    ...(stages ? { staging_target_path: staging } : {}),
    target_path: target,
  });
}

export async function lastPodGone(
  { node, stages }: Contestant,
  volume: CreatedVolume,
  { staging, targets }: { readonly staging: string; readonly targets: readonly string[] },
): Promise<void> {
  for (const target of targets) {
    await node.Node.NodeUnpublishVolume({ volume_id: volume.id, target_path: target });
  }
  if (stages) await node.Node.NodeUnstageVolume({ volume_id: volume.id, staging_target_path: staging });
}
