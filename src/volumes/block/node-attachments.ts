import { join } from 'node:path';
import { CommandError } from '../../host/command-error.ts';
import { type Run, run } from '../../host/run.ts';
import {
  type AttachedEntry,
  attachedName,
  decodeAttachment,
  type Entry,
  type InUse,
  isAttached,
  isLeft,
  numberedName,
  readEntry,
} from '../state/attachment.ts';
import { attachmentFolder } from '../state/attachment-folder.ts';
import { isStaticKey, keyOf } from '../volume-id.ts';

const timeoutMs = 20_000;
/** What is renamed between a look and a rename is found by the next look. */
const attempts = 3;

/** What failed at an attachment, which is on the pool also where the volume is a device of the node. */
export class AttachmentError extends Error {
  override readonly name = 'AttachmentError';
  override readonly cause: CommandError;

  constructor(cause: CommandError) {
    super(cause.message, { cause });
    this.cause = cause;
  }
}

/** A volume's attachment to this node. */
export interface NodeAttachment {
  /** Under which the volume's attachments are kept. */
  readonly key: string;
  /** The file that this node was told of; undefined for a volume that was there before. */
  readonly version: string | undefined;
}

/** An attachment under which this node may write. The name is random, and nobody else's: what is renamed is this one. */
export interface UsedAttachment {
  readonly how: InUse;
  readonly name: string;
  /** Its name when it was not in use yet, where it was not. */
  readonly before?: string;
}

/**
 * What a node does with its own attachments (attachment-folder.ts): in the pool's mount, in child processes with a
 * deadline, since the server may be dead. Each is one rename, which the server refuses where the volume was taken from
 * this node. Throws {@link AttachmentError}.
 */
export class NodeAttachments {
  readonly #nodeId: string;
  readonly #run: Run;

  constructor(nodeId: string, exec: Run = run) {
    this.#nodeId = nodeId;
    this.#run = exec;
  }

  /** Whether the volume is attached to this node, for reading or beside other nodes. */
  async isAttached(pool: string, attachment: NodeAttachment): Promise<boolean> {
    for (const how of ['multi', 'single'] as const) {
      if (await this.#is(pool, attachment, attachedName(how, this.#nodeId))) return true;
    }
    return false;
  }

  /**
   * Puts down that this node may write from now on, once `isFor` has proven it; repeated, it gets another name each
   * time. `making`: it was making the filesystem when it was interrupted. Undefined: the volume is not attached to this
   * node.
   */
  async use(pool: string, key: string): Promise<UsedAttachment | undefined> {
    // As a first stage finds it. A look would cost as much as the rename.
    const single = attachedName('single', this.#nodeId);
    const fresh = await this.#rename(pool, key, single, 'used');
    if (fresh !== undefined) return { how: 'used', name: fresh, before: single };
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const own = await this.#own(pool, key);
      const from = own.find(({ how }) => how === 'used') ?? own.find(({ how }) => how !== 'multi');
      if (from === undefined) return undefined;
      const how = from.how === 'making' ? 'making' : 'used';
      const name = await this.#rename(pool, key, from.name, how);
      if (name === undefined) continue;
      return { how, name, ...(from.how === 'single' ? { before: single } : {}) };
    }
    return undefined;
  }

  /** Whether it is for this file. One that is not gets the name back that it had before it was in use. */
  async isFor(pool: string, attachment: NodeAttachment, { name, before }: UsedAttachment): Promise<boolean> {
    if (await this.#is(pool, attachment, name)) return true;
    if (before !== undefined) await this.#move(pool, attachment.key, name, before);
    return false;
  }

  /** Puts down that this node makes the filesystem; undefined where the volume was taken from it meanwhile. */
  beginMaking(pool: string, key: string, { name }: UsedAttachment): Promise<UsedAttachment | undefined> {
    return this.#become(pool, key, name, 'making');
  }

  /** Puts down that it is made; undefined where the volume was taken from this node meanwhile. */
  endMaking(pool: string, key: string, { name }: UsedAttachment): Promise<UsedAttachment | undefined> {
    return this.#become(pool, key, name, 'used');
  }

  async #become(pool: string, key: string, from: string, how: InUse): Promise<UsedAttachment | undefined> {
    const name = await this.#rename(pool, key, from, how);
    return name === undefined ? undefined : { how, name };
  }

  /**
   * Puts down that this node has let go. What was left behind of a dynamic volume stays: a controller may be copying
   * its file already. A static one stays as it is, and is free then.
   */
  async letGo(pool: string, key: string): Promise<void> {
    const folder = join(pool, attachmentFolder(key));
    for (const entry of await this.#entries(folder)) {
      if (entry.how === 'used') await this.#move(pool, key, entry.name, attachedName('single', this.#nodeId));
      if (!isLeft(entry) || !isStaticKey(key)) continue;
      await this.#exec('rm', ['--force', '--', join(folder, entry.name)]);
    }
  }

  /** Gives an attachment a new name; undefined where it is not there under the old one. */
  async #rename(pool: string, key: string, from: string, how: InUse): Promise<string | undefined> {
    const name = numberedName(how, keyOf(this.#nodeId));
    return (await this.#move(pool, key, from, name)) ? name : undefined;
  }

  async #move(pool: string, key: string, from: string, to: string): Promise<boolean> {
    const paths = [from, to].map((name) => join(pool, attachmentFolder(key), name));
    const args = ['--force', '--no-target-directory', '--', ...paths];
    return (await this.#tolerant('mv', args)) !== undefined;
  }

  /** Whether there is an attachment of this name, for this file. */
  async #is(pool: string, { key, version }: NodeAttachment, name: string): Promise<boolean> {
    const path = join(pool, attachmentFolder(key), name);
    const text = await this.#tolerant('readlink', ['--verbose', '--no-newline', '--', path]);
    return text !== undefined && decodeAttachment(text, keyOf(this.#nodeId)).version === version;
  }

  async #own(pool: string, key: string): Promise<readonly AttachedEntry[]> {
    return (await this.#entries(join(pool, attachmentFolder(key)))).filter(isAttached);
  }

  /** This node's. */
  async #entries(folder: string): Promise<readonly Entry[]> {
    const names = (await this.#tolerant('ls', ['-A', '--', folder]))?.split('\n') ?? [];
    const node = keyOf(this.#nodeId);
    return names.flatMap((name) => readEntry(name) ?? []).filter((entry) => entry.node === node);
  }

  /** Undefined where what it is for is not there. */
  async #tolerant(command: string, args: readonly string[]): Promise<string | undefined> {
    try {
      return await this.#exec(command, args);
    } catch (error) {
      if (error instanceof AttachmentError && /No such file/.test(error.cause.stderr)) return undefined;
      throw error;
    }
  }

  async #exec(command: string, args: readonly string[]): Promise<string> {
    try {
      return await this.#run(command, args, { timeoutMs });
    } catch (error) {
      throw error instanceof CommandError ? new AttachmentError(error) : error;
    }
  }
}
