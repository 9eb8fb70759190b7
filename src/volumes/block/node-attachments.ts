import { join } from 'node:path';
import { CommandError } from '../../host/command-error.ts';
import { type Run, run } from '../../host/run.ts';
import {
  type Attached,
  type Attachment,
  attachedName,
  decodeAttachment,
  isLeft,
  readEntry,
} from '../state/attachment.ts';
import { attachmentFolder } from '../state/attachments.ts';
import { isStaticKey, keyOf } from '../volume-id.ts';

const timeoutMs = 20_000;

/** A volume's attachment to this node. */
export interface NodeAttachment {
  /** Under which the volume's attachments are kept. */
  readonly key: string;
  /** The file that this node was told of; undefined for a volume that was there before. */
  readonly version: string | undefined;
}

/**
 * What a node does with its own attachments (attachments.ts): in the pool's mount, in child processes with a deadline,
 * since the server may be dead. Each is one rename, which the server refuses where the volume was taken from this node.
 * Throws CommandError.
 */
export class NodeAttachments {
  readonly #nodeId: string;
  readonly #exec: Run;

  constructor(nodeId: string, exec: Run = run) {
    this.#nodeId = nodeId;
    this.#exec = exec;
  }

  /** Whether the volume is attached to this node, for reading or beside other nodes. */
  async isAttached(pool: string, attachment: NodeAttachment): Promise<boolean> {
    for (const how of ['multi', 'single'] as const) {
      if (await this.#is(pool, attachment, how)) return true;
    }
    return false;
  }

  /**
   * Puts down that this node may write from now on; repeated, it is the same as once. `making`: it was making the filesystem
   * when it was interrupted. `absent`: the volume is not attached to this node, or not this file of it.
   */
  async use(pool: string, attachment: NodeAttachment): Promise<'used' | 'making' | 'absent'> {
    const { key } = attachment;
    const isFresh = await this.#rename(pool, key, 'single', 'used');
    if (await this.#is(pool, attachment, 'used')) return 'used';
    if (isFresh) await this.#rename(pool, key, 'used', 'single');
    return (await this.#is(pool, attachment, 'making')) ? 'making' : 'absent';
  }

  /** Puts down that this node makes the filesystem; false where the volume was taken from it meanwhile. */
  async beginMaking(pool: string, attachment: NodeAttachment): Promise<boolean> {
    const { key } = attachment;
    return (await this.#rename(pool, key, 'used', 'making')) || this.#is(pool, attachment, 'making');
  }

  /** Puts down that it is made; false where the volume was taken from this node meanwhile. */
  async endMaking(pool: string, attachment: NodeAttachment): Promise<boolean> {
    const { key } = attachment;
    return (await this.#rename(pool, key, 'making', 'used')) || this.#is(pool, attachment, 'used');
  }

  /**
   * Puts down that this node has let go. What was left behind of a dynamic volume stays: a controller may be copying its
   * file already. A static one stays as it is, and is free then.
   */
  async letGo(pool: string, key: string): Promise<void> {
    if ((await this.#rename(pool, key, 'used', 'single')) || !isStaticKey(key)) return;
    const folder = join(pool, attachmentFolder(key));
    for (const entry of (await this.#names(folder)).flatMap((name) => readEntry(name) ?? [])) {
      if (!isLeft(entry) || entry.node !== keyOf(this.#nodeId)) continue;
      await this.#exec('rm', ['--force', '--', join(folder, entry.name)], { timeoutMs });
    }
  }

  /** False where there is no attachment of the first kind. */
  async #rename(pool: string, key: string, from: Attached, to: Attached): Promise<boolean> {
    const paths = [this.#path(pool, key, from), this.#path(pool, key, to)];
    const args = ['--force', '--no-target-directory', '--', ...paths];
    return (await this.#tolerant('mv', args)) !== undefined;
  }

  /** Whether the attachment is of this kind, and for this file. */
  async #is(pool: string, { key, version }: NodeAttachment, how: Attached): Promise<boolean> {
    const text = await this.#tolerant('readlink', [
      '--verbose',
      '--no-newline',
      '--',
      this.#path(pool, key, how),
    ]);
    if (text === undefined) return false;
    const found: Attachment = decodeAttachment(text, keyOf(this.#nodeId));
    return found.version === version;
  }

  #path(pool: string, key: string, how: Attached): string {
    return join(pool, attachmentFolder(key), attachedName(how, this.#nodeId));
  }

  async #names(folder: string): Promise<readonly string[]> {
    return (await this.#tolerant('ls', ['-A', '--', folder]))?.split('\n') ?? [];
  }

  /** Undefined where what it is for is not there. */
  async #tolerant(command: string, args: readonly string[]): Promise<string | undefined> {
    try {
      return await this.#exec(command, args, { timeoutMs });
    } catch (error) {
      if (error instanceof CommandError && /No such file/.test(error.stderr)) return undefined;
      throw error;
    }
  }
}
