import { ensureImage } from '../../image/ensure-image.ts';
import { ensureGoTool } from '../../setup/go-tools.ts';
import { ensureClusterPrograms, ensureSnapshotPrograms } from './go-programs.ts';
import { ensureImages } from './images.ts';
import { ensureNodeDisk } from './node-disk.ts';
import { takesSnapshots } from './snapshots.ts';

/** Makes all that a cluster needs and is not there yet. Returns the nodes' disk, with Berth's image and these. */
export async function prepare(images: readonly string[], archives: readonly string[] = []): Promise<string> {
  const problem = await ensureGoTool('helm 4');
  if (problem !== undefined) throw new Error(problem);
  await ensureClusterPrograms();
  if (takesSnapshots(images)) await ensureSnapshotPrograms();
  return ensureNodeDisk([await ensureImage(), ...(await ensureImages(images)), ...archives]);
}
