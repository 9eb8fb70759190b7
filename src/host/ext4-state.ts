import { CommandError } from './command-error.ts';
import { type Run, run } from './run.ts';

/** What the superblock of an ext4 says of it (dumpe2fs(8)). */
export interface Ext4State {
  /** In bytes. */
  readonly size: bigint;
  /** Whether its superblock asks for a check: it was not unmounted, has errors, or is due for it. */
  readonly isToBeChecked: boolean;
}

/**
 * Reads the superblock of a filesystem that is not mounted. Undefined where none of an ext4 can be read: what is there
 * instead, contentOf tells. Throws CommandError where that took too long.
 */
export async function ext4StateOf(
  device: string,
  { timeoutMs }: { readonly timeoutMs: number },
  exec: Run = run,
): Promise<Ext4State | undefined> {
  let told: string;
  try {
    told = await exec('dumpe2fs', ['-h', '--', device], { timeoutMs });
  } catch (error) {
    if (error instanceof CommandError && error.exitCode !== undefined) return undefined;
    throw error;
  }
  const facts = new Map<string, string>();
  for (const line of told.split('\n')) {
    const [, name, value] = /^([^:]+):\s+(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) facts.set(name, value.trim());
  }
  const features = facts.get('Filesystem features')?.split(/\s+/) ?? [];
  const [blocks, blockSize] = [facts.get('Block count'), facts.get('Block size')];
  // Without extents it is an ext3 or an ext2.
  if (!features.includes('extent') || blocks === undefined || blockSize === undefined) return undefined;
  const isClean =
    facts.get('Filesystem state') === 'clean' &&
    !features.includes('needs_recovery') &&
    !features.includes('orphan_present') &&
    !facts.has('First orphan inode') &&
    !facts.has('FS Error count') &&
    facts.get('Maximum mount count') === '-1' &&
    facts.get('Check interval')?.startsWith('0 ') === true;
  return { size: BigInt(blocks) * BigInt(blockSize), isToBeChecked: !isClean };
}
