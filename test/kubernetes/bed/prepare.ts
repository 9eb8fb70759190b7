import { ensureImage } from '../../image/ensure-image.ts';
import { ensureGoTool } from '../../setup/go-tools.ts';
import { ensureClusterPrograms } from './go-programs.ts';
import { ensureImages } from './images.ts';
import { ensureNodeDisk } from './node-disk.ts';

/** Makes all that a cluster needs and is not there yet. Returns the nodes' disk, with Berth's image and these. */
export async function prepare(images: readonly string[], archives: readonly string[] = []): Promise<string> {
  const problem = await ensureGoTool('helm 4');
  if (problem !== undefined) throw new Error(problem);
  await ensureClusterPrograms();
  return ensureNodeDisk([await ensureImage(), ...(await ensureImages(images)), ...archives]);
}
