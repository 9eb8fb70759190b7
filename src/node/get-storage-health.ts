import type { NodeGetStorageHealthResponseInit } from '../wire/generated/csi-types.ts';
import type { NodeContext } from './service.ts';

/** CSI NodeGetStorageHealth (alpha): the pools that this node cannot use as it should; usually none. */
export async function nodeGetStorageHealth({
  health,
}: NodeContext): Promise<NodeGetStorageHealthResponseInit> {
  return { backend_health: await health.ofPools() };
}
