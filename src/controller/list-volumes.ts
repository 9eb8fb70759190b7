import { formatVolumeId } from '../volumes/volume-id.ts';
import type { ListVolumesRequest, ListVolumesResponseInit } from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';
import { readPage } from './pages.ts';

/** CSI ListVolumes, with the nodes each volume is attached to; static volumes are listed while attached. */
export async function listVolumes(
  { stores }: ControllerDeps,
  request: ListVolumesRequest,
): Promise<ListVolumesResponseInit> {
  const { parts, next } = await readPage(stores, request);
  const pages = await Promise.all(
    parts.map(async ({ store, keys, attached }) => {
      const pool = store.config.name;
      const entries = await store.pool.use((state, tree) =>
        store.inventory.describe(state, tree, keys, attached),
      );
      return entries.map(({ key, record, handle, subDir = record?.subDir, nodes }) => ({
        volume: {
          volume_id: handle ?? formatVolumeId({ pool, key }),
          capacity_bytes: (record?.capacity ?? 0n).toString(),
          volume_context: subDir === undefined ? {} : { pool, subDir },
        },
        status: { published_node_ids: [...nodes] },
      }));
    }),
  );
  return { entries: pages.flat(), next_token: next };
}
