import type { Named, Tree } from '../../pools/tree.ts';
import { deleteDirectory } from '../directory/delete-directory.ts';
import { createDirectory } from '../directory/directory.ts';
import { grow } from '../image/image-file.ts';
import { forgetAside } from '../state/aside.ts';
import type { VolumeRecord } from '../state/record.ts';
import { updateRecord } from '../state/records.ts';
import type { State } from '../state/state.ts';
import { newCopyName } from '../sub-dir.ts';
import type { CopyWork } from './copies.ts';
import { copySource, type Source, sizeOf } from './source.ts';
import { formatSource } from './source-ref.ts';

/** The job's name over all controllers. */
export function volumeJob(key: string): string {
  return `volume-${key}`;
}

/** The work for a volume that is made from a snapshot or from another volume. */
export function volumeWork(key: string, wanted: VolumeRecord, source: Source): CopyWork<VolumeRecord> {
  const { image, name } = wanted;
  return {
    what: `the volume ${name}`,
    about: { name, from: formatSource(source), since: Date.now(), size: sizeOf(source) },
    async make(state, tree, copy, watch) {
      await copySource(state, tree, source, copy, watch);
      if (image !== undefined) await growCopy(tree, copy, wanted.capacity, image.thick === true);
    },
    async publish(state, tree, copy) {
      const from = { kind: source.kind, key: source.key };
      // A name that only this call knows: an image of another one, made with nothing in it, is never taken for it.
      if (image !== undefined) {
        const record = { ...wanted, from, image: { ...image, file: newCopyName() } };
        return createDirectory(state, tree, key, record, copy);
      }
      const { mode } = await tree.lstat(copy.dir, copy.name);
      return createDirectory(state, tree, key, { ...wanted, from, mode: Number(mode & 0o7777n) }, copy);
    },
    async withdraw(state, tree, _, { id }) {
      if (id === wanted.id) await withdrawVolume(state, tree, key, id);
    },
  };
}

async function growCopy(tree: Tree, { dir, name }: Named, size: bigint, thick: boolean): Promise<void> {
  const file = await tree.openFile(dir, name);
  try {
    await grow(tree, file, { size, thick });
  } finally {
    tree.close(file);
  }
}

/** Nobody was told of it, so nothing of it is archived or retained. */
export async function withdrawVolume(state: State, tree: Tree, key: string, id: string): Promise<void> {
  const record = await updateRecord(state, tree, key, (current) =>
    current.id === id ? { ...current, onDelete: 'delete' } : current,
  );
  if (record?.id !== id) return;
  const deletion = await deleteDirectory(state, tree, key);
  if (deletion.kind === 'gone') await forgetAside(state, tree, deletion.aside);
}
