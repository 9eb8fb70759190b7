import { fromNodeError } from '../../errors/node-error.ts';
import { type Finding, fail, ok, warn } from '../finding.ts';
import type { Measured, Measurements, Step } from './measurement.ts';

export interface JudgeOptions {
  readonly pool: string;
  /** Of a local pool. */
  readonly path: string | undefined;
  readonly nodeId: string | undefined;
  readonly timeoutMs: number;
}

type Judge<S extends Step> = (value: Measured[S], options: JudgeOptions) => Finding;

const slowMs = 50;
const skewMs = 5_000;
/** A pool with less than this part of it left is nearly full. */
const scarce = 0.05;

const judges: { readonly [S in Step]: Judge<S> } = {
  open: ({ directory }, { path }) =>
    directory
      ? ok(path === undefined ? 'Its directory is there.' : `${path} is there.`)
      : fail(`${path} is no directory.`, "Correct the pool's path in the config."),
  state: ({ present, announced }, { nodeId }) => {
    if (!present) return ok('Berth has not used it yet; the controller makes .berth in it when it starts.');
    if (announced !== false) return ok('Berth keeps its state in it.');
    return warn(
      `The node ${nodeId} has not announced itself in it, so nothing can be attached to it yet.`,
      'Start the node plugin there; its log says what keeps it.',
    );
  },
  space: ({ total, available, files, freeFiles }) => {
    if (total === 0) return ok('It does not tell its size.');
    const says = `${size(available)} of ${size(total)} are free.`;
    if (available === 0) return fail('It is full.', 'Free some space, or enlarge it.');
    if (files > 0 && freeFiles === 0)
      return fail('It can hold no more files.', 'Remove some, or make it anew with more inodes.');
    if (available < scarce * total || (files > 0 && freeFiles < scarce * files)) {
      return warn(
        files > 0 && freeFiles < scarce * files ? `${freeFiles} of ${files} files are free.` : says,
        'Free some space, or enlarge it.',
      );
    }
    return ok(says);
  },
  'round-trip': ({ milliseconds }) => {
    const says = `It answers within ${milliseconds < 10 ? Math.max(0.1, milliseconds).toFixed(1) : Math.round(milliseconds)} ms.`;
    return milliseconds < slowMs
      ? ok(says)
      : warn(
          says,
          'Creating a volume takes some 5 answers, attaching one 10 to 13: have the server nearer, or less busy.',
        );
  },
  write: ({ milliseconds }) => ok(`64 KiB were written and made durable in ${Math.round(milliseconds)} ms.`),
  owners: ({ made, given, became }) => {
    if (became === null || made !== 0) {
      return warn(
        `It has root_squash: what root makes belongs to user ${made}.`,
        'That works, without uid and gid in a class; files that only their pod may remove stay in the trash. Export it with no_root_squash to lift both.',
      );
    }
    if (became === given) return ok('Owners are kept as they are set.');
    return warn(
      `A file that was given to user ${given} belongs to ${became}: users are mapped by their names.`,
      'Let the kernel use numbers (nfs4_disable_idmapping=Y on both sides), or give both sides the same users and domain in /etc/idmapd.conf.',
    );
  },
  groups: ({ status }) => {
    if (status === 0) return ok("It goes by the groups that a client names, so a pod's fsGroup counts.");
    if (status !== 1)
      return ok(
        'Groups were not tried: that takes setpriv(1), test(1) and the right to become another user, as on a node.',
      );
    return warn(
      "It looks up a user's groups itself and knows no pod's: fsGroup and supplementalGroups grant nothing.",
      'Linux: manage-gids=n under [mountd] in /etc/nfs.conf of the server, then restart nfs-mountd. Or have pods run with that group as runAsGroup.',
    );
  },
  clock: ({ aheadMs }) => {
    const seconds = Math.round(Math.abs(aheadMs) / 1000);
    if (Math.abs(aheadMs) < skewMs) return ok("Its clock agrees with this machine's.");
    return warn(
      `Its clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's.`,
      'Let both take their time from one source (NTP).',
    );
  },
  clone: ({ clones }) =>
    clones
      ? ok('It clones files (reflink).')
      : ok(
          'It does not clone files, so copies in it are whole ones.',
          'To have clones: XFS with reflink or Btrfs, and for NFS nfsvers=4.2.',
        ),
  locks: ({ status, complaint }) => {
    if (status === 0) return ok('Its locks work.');
    if (status === null) return ok('Locks were not tried, as flock(1) is not installed.');
    if (/No locks available/.test(complaint)) {
      return fail(
        'It gives no locks.',
        'NFSv3: start rpcbind and rpc.statd on this machine and the server, or put nolock into the mount options; better nfsvers=4.2.',
      );
    }
    return warn(
      'A lock was not granted within 5 s.',
      'A server that has just started grants none for a while; try again in two minutes.',
    );
  },
};

/** The finding for a step that was begun; undefined for one that was not. */
export function judge<S extends Step>(
  step: S,
  measurements: Measurements,
  options: JudgeOptions,
): Finding | undefined {
  const result = measurements[step] as { value?: Measured[S]; error?: string } | undefined;
  if (result === undefined) return undefined;
  if (result.value !== undefined) return judges[step](result.value, options);
  if (result.error !== undefined) return failed(step, result.error, options);
  return noAnswer(options.timeoutMs);
}

/** The finding for what was given up. */
export function noAnswer(timeoutMs: number): Finding {
  return fail(
    `It did not answer within ${timeoutMs / 1000} s.`,
    'Check that its server or disk is in order and reached; --timeout gives a slow one more time.',
  );
}

function failed(step: Step, errno: string, { pool, path }: JudgeOptions): Finding {
  if (step === 'open' && (errno === 'ENOENT' || errno === 'ENOTDIR')) {
    return fail(
      `There is no directory ${path}.`,
      "The controller makes it when it starts; on a node make it, mount its disk, or correct the pool's path in the config.",
    );
  }
  if (step === 'state' && (errno === 'EACCES' || errno === 'EPERM')) {
    return fail(
      "Berth's directory .berth cannot be entered.",
      'It belongs to somebody else, as after a change of root_squash: export it as it was, or give .berth with all in it to who root is there now.',
    );
  }
  const meaning: unknown = fromNodeError(Object.assign(new Error(errno), { code: errno }), pool);
  const known = meaning instanceof Error && meaning.message !== errno;
  const squash =
    step === 'write' && errno === 'EACCES'
      ? "With root_squash the pool's directory has to be writable for the server's anonymous user."
      : undefined;
  return fail(known ? meaning.message : `It failed with ${errno}.`, squash);
}

function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}
