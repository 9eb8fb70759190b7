import type { ListVolumesRequest, ListVolumesResponseInit } from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { describeVolume } from './describe-volume.ts';
import { readPage } from './pages.ts';

/** CSI ListVolumes, with the nodes each volume is attached to; static volumes are listed while attached. */
export async function listVolumes(
  { stores }: ControllerDeps,
  request: ListVolumesRequest,
): Promise<ListVolumesResponseInit> {
  const { parts, next } = await readPage(stores, request);
  const pages = await Promise.all(
    parts.map(async ({ store, keys, attached }) => {
      const entries = await store.pool.use((state, tree) =>
        store.inventory.describe(state, tree, keys, attached),
      );
      return entries.map((entry) => ({
        volume: describeVolume(store.config.name, entry),
        status: { published_node_ids: [...entry.nodes] },
      }));
    }),
  );
  return { entries: pages.flat(), next_token: next };
}
