import { hasOption, type Mount } from '../../host/mountinfo.ts';
import { mountOptionProblem } from '../../pools/mount-options.ts';

/** A volume's mount flags, by what they are options of. */
export interface SplitFlags {
  /** Of the volume's own mount point: a bind can have them. */
  readonly bind: readonly string[];
  /** Of the NFS mount that the volume is bound out of. */
  readonly nfs: readonly string[];
}

export function splitFlags(flags: readonly string[]): SplitFlags {
  const bind: string[] = [];
  const nfs: string[] = [];
  for (const flag of flags) {
    // What a local pool allows is exactly what a bind mount can have.
    if (mountOptionProblem(flag, 'local') === undefined) bind.push(flag);
    else if (flag !== 'defaults') nfs.push(flag);
  }
  return { bind, nfs };
}

/** Flags that a bind has unless its source's mount has not; each with the word that takes it away. */
const restrictions = { ro: 'rw', nosuid: 'suid', nodev: 'dev', noexec: 'exec' } as const;
type Restriction = keyof typeof restrictions;

export type ShownFlags = Readonly<Partial<Record<Restriction, boolean>>>;

export interface BindFlags {
  /** For bindMount; empty where the bind can keep what it inherits. */
  readonly mount: readonly string[];
  /** What the mount table shall show afterwards. */
  readonly shown: ShownFlags;
  /** Of these, what this volume asks for; the rest comes from the pool's mount, whose options may be edited. */
  readonly asked: ShownFlags;
}

/**
 * The flags of a volume's bind. The kernel's second step for flags (MS_REMOUNT|MS_BIND) drops those it is not
 * told again: a pool mounted noexec would give executable volumes. So they are all told.
 */
export function bindFlags(source: Mount, flags: readonly string[], readOnly: boolean): BindFlags {
  const inherited = {
    ro: hasOption(source, 'ro'),
    nosuid: hasOption(source, 'nosuid'),
    nodev: hasOption(source, 'nodev'),
    noexec: hasOption(source, 'noexec'),
  };
  const asked: Partial<Record<Restriction, boolean>> = {};
  const rest: string[] = [];
  for (const flag of flags) {
    const name = nameOf(flag);
    if (name === undefined) rest.push(flag);
    else asked[name] = flag === name;
  }
  if (readOnly) asked.ro = true;
  asked.ro ??= inherited.ro;
  const shown = { ...inherited, ...asked };
  const names = Object.keys(restrictions) as Restriction[];
  if (rest.length === 0 && names.every((name) => shown[name] === inherited[name]))
    return { mount: [], shown, asked };
  return {
    mount: [...names.map((name) => (shown[name] ? name : restrictions[name])), ...rest],
    shown,
    asked,
  };
}

/** Whether a mount shows these flags. */
export function hasFlags(mount: Mount, shown: ShownFlags): boolean {
  return (Object.keys(shown) as Restriction[]).every((name) => hasOption(mount, name) === shown[name]);
}

function nameOf(flag: string): Restriction | undefined {
  return (Object.keys(restrictions) as Restriction[]).find(
    (name) => flag === name || flag === restrictions[name],
  );
}
