import type { Kubectl } from './kubectl.ts';

/** The directory of a PersistentVolume on the NFS server. */
export async function pathOf(kubectl: Kubectl, volume: string): Promise<string> {
  const handle = await kubectl.value(['pv', volume], '{.spec.csi.volumeHandle}');
  const attributes = '{.spec.csi.volumeAttributes.subDir}{.spec.csi.volumeAttributes.image}';
  // An image lies in the directory that a volume without one would be.
  const subDir = (await kubectl.value(['pv', volume], attributes)).replace(/\/disk\.img$/, '');
  const key = handle.split('/').at(1);
  if (key === undefined) throw new Error(`the volume ${volume} has the handle ${JSON.stringify(handle)}`);
  return `/srv/export/${subDir === '' ? key : subDir}`;
}
