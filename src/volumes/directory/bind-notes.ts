import type { Logger } from 'pino';
import type { PoolConfig } from '../../config/schema.ts';
import { CsiError } from '../../errors/csi-error.ts';
import { KeyedFiles } from '../keyed-files.ts';
import { type DirectoryLocation, locateDirectory } from '../volume-context.ts';

/**
 * Notes on disk of where the published volumes are, for a driver that was restarted: the mount table has their
 * directories, but not their names, and a volume's id does not tell a directory that was chosen with subDir. Only
 * questions are answered by them: without its note such a volume works, and is not found until its next publish.
 */
export class BindNotes {
  readonly #files: KeyedFiles;
  readonly #log: Logger;

  /** `directory`: on a disk of this machine. */
  constructor(directory: string, log: Logger) {
    this.#files = new KeyedFiles(directory);
    this.#log = log;
  }

  /** Never throws: a volume works without its note. */
  write(volumeId: string, { pool, subDir, snapshot }: DirectoryLocation): void {
    try {
      const note = { v: 1, volume: volumeId, pool: pool.name, dir: subDir, snapshot };
      this.#files.write(volumeId, JSON.stringify(note));
    } catch (error) {
      this.#log.warn({ err: error, volume: volumeId }, 'could not note where a volume is');
    }
  }

  /** Where a volume was published last; undefined where nothing tells, or the pool is not in the config any more. */
  find(volumeId: string, pools: ReadonlyMap<string, PoolConfig>): DirectoryLocation | undefined {
    try {
      const note: unknown = JSON.parse(this.#files.read(volumeId) ?? 'null');
      if (typeof note !== 'object' || note === null || !('pool' in note && 'dir' in note)) return undefined;
      const { pool, dir } = note;
      if (typeof pool !== 'string' || typeof dir !== 'string') return undefined;
      const snapshot = 'snapshot' in note && typeof note.snapshot === 'string' ? note.snapshot : undefined;
      return locateDirectory(
        volumeId,
        snapshot === undefined ? { pool, subDir: dir } : { pool, snapshot },
        pools,
      );
    } catch (error) {
      // Torn when the machine lost its power, or of a pool that is gone from the config: both are no note.
      if (!(error instanceof SyntaxError || error instanceof CsiError)) {
        this.#log.warn({ err: error, volume: volumeId }, 'could not read the note of where a volume is');
      }
      return undefined;
    }
  }

  /** Never throws. */
  remove(volumeId: string): void {
    try {
      this.#files.remove(volumeId);
    } catch (error) {
      this.#log.warn({ err: error, volume: volumeId }, 'could not remove the note of where a volume was');
    }
  }
}
