import { join } from 'node:path';
import { CommandError } from '../../host/command-error.ts';
import { type Run, run } from '../../host/run.ts';
import { attachmentFolder, attachmentNames, nodeMarks } from '../state/attachments.ts';
import { keyOf } from '../volume-id.ts';

const timeoutMs = 20_000;

/** What a node finds beside its attachment to an image. */
export interface Found {
  readonly isAttached: boolean;
  /** It was making the filesystem when it was interrupted. */
  readonly wasMaking: boolean;
}

/**
 * What a node leaves on a pool, and looks at, while it has an image: through the pool's own mount, in child processes with
 * a deadline, since the server may be dead. Throws CommandError.
 */
export class NodeMarks {
  readonly #node: string;
  readonly #nodeId: string;
  readonly #exec: Run;

  constructor(nodeId: string, exec: Run = run) {
    this.#nodeId = nodeId;
    this.#node = keyOf(nodeId);
    this.#exec = exec;
  }

  /**
   * Whether the volume is attached to this node. After a mark was put there the answer is the server's: its making tells
   * an NFS client that others have changed the folder.
   */
  async look(pool: string, key: string): Promise<Found> {
    const names = await this.#names(join(pool, attachmentFolder(key)));
    return {
      isAttached: attachmentNames(this.#nodeId).some((name) => names.includes(name)),
      wasMaking: names.includes(nodeMarks.making + this.#node),
    };
  }

  /** False where the folder is gone, since the volume was detached. */
  async put(pool: string, key: string, kind: keyof typeof nodeMarks): Promise<boolean> {
    // The target says nothing; a symbolic link is one operation, exclusive and durable.
    const args = ['--symbolic', '--no-target-directory', '--', kind, this.#path(pool, key, kind)];
    try {
      await this.#exec('ln', args, { timeoutMs });
      return true;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (/No such file/.test(error.stderr)) return false;
      if (/File exists/.test(error.stderr)) return true;
      throw error;
    }
  }

  /** None there is fine, and so is a folder that is gone: the volume was detached by force. */
  async remove(pool: string, key: string, kind: keyof typeof nodeMarks): Promise<void> {
    await this.#exec('rm', ['--force', '--', this.#path(pool, key, kind)], { timeoutMs });
  }

  #path(pool: string, key: string, kind: keyof typeof nodeMarks): string {
    return join(pool, attachmentFolder(key), nodeMarks[kind] + this.#node);
  }

  async #names(folder: string): Promise<readonly string[]> {
    try {
      return (await this.#exec('ls', ['-A', '--', folder], { timeoutMs })).split('\n');
    } catch (error) {
      if (error instanceof CommandError && /No such file/.test(error.stderr)) return [];
      throw error;
    }
  }
}
