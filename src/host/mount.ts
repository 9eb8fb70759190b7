import { isIP } from 'node:net';
import { CommandError } from './command-error.ts';
import { type Run, run } from './run.ts';
import { unmount } from './unmount.ts';

export { unmount } from './unmount.ts';

export interface NfsMountRequest {
  /** Host name or address; an IPv6 address with or without brackets. */
  readonly server: string;
  readonly path: string;
  /** An existing directory. */
  readonly target: string;
  readonly options: readonly string[];
  readonly timeoutMs: number;
}

export interface BindMountRequest {
  readonly source: string;
  /** An existing directory. */
  readonly target: string;
  /** All flags of the new mount point, or none to have those of the source's mount. */
  readonly flags: readonly string[];
  /** An existing directory that nobody else uses meanwhile; needed for flags. */
  readonly aside: string;
  readonly timeoutMs: number;
}

/**
 * Mounts an NFS export. Throws CommandError; on a timeout the whole group is killed, and only the mount table
 * can say whether the mount came about all the same.
 */
export async function mountNfs(request: NfsMountRequest, exec: Run = run): Promise<void> {
  const { path, target, timeoutMs } = request;
  const source = nfsSource(request.server, path);
  const options = request.options.filter((option) => option !== 'defaults');
  const started = performance.now();
  const direct = directOptions(request.server, options);
  if (direct !== undefined) {
    try {
      await exec('mount', ['-c', '-n', '-i', '-t', 'nfs', '-o', direct, '--', source, target], { timeoutMs });
      return;
    } catch (error) {
      if (error instanceof CommandError && error.timedOut) throw error;
      // The helper may know better; if not, its message is the one that people and handbooks know.
    }
  }
  // The helper by its own name: mount(8) would only look it up and start it, which is one process more.
  // retry=0: nfs(5) lets mount.nfs repeat a refused mount for two minutes; here the CO repeats the call.
  const remaining = Math.max(1_000, timeoutMs - (performance.now() - started));
  await exec('mount.nfs', [source, target, '-n', '-o', ['retry=0', ...options].join(',')], {
    timeoutMs: remaining,
  });
}

/**
 * Options with which the kernel mounts without the helper mount.nfs: an address that needs no look-up, and a
 * version that needs no trying (NFSv4.1 and later take nothing else from the helper). That is half of the time of
 * `mount -t nfs` where processes are slow to start. Undefined: the helper is needed.
 */
function directOptions(server: string, options: readonly string[]): string | undefined {
  const address = server.replace(/^\[(.*)\]$/, '$1');
  if (isIP(address) === 0) return undefined;
  if (!options.some((option) => /^(nfsvers|vers)=4\.[12]$/.test(option))) return undefined;
  const kernel = options.filter((option) => !option.startsWith('retry='));
  // An explicit rw: else mount(8) tries read-only where the server denies access.
  const mode = options.includes('ro') ? [] : ['rw'];
  return [...mode, ...kernel, `addr=${address}`].join(',');
}

/** `server:path` as mount.nfs takes it and the mount table shows it. */
export function nfsSource(server: string, path: string): string {
  const host = server.includes(':') && !server.startsWith('[') ? `[${server}]` : server;
  return `${host}:${path}`;
}

/**
 * Makes a directory appear at another path, with its flags from the first moment on. Throws CommandError, which may
 * have left the mount in place: look at the mount table; StillMountedError where `aside` cannot be cleared.
 *
 * Flags are set on a mount that is there, and that change stays in its mount namespace: what was propagated from it
 * keeps the old ones (mount_namespaces(7)), so the host would have a writable volume where a container sees a read-only
 * one. So a mount with flags is made aside, and what is bound out of it has them everywhere.
 */
export async function bindMount(request: BindMountRequest, exec: Run = run): Promise<void> {
  const { source, target, flags, aside, timeoutMs } = request;
  // -c (--no-canonicalize), -n and -i: no look at the paths, at /run/mount or for a helper before the system call.
  const bind = (from: string, to: string, options: readonly string[]) =>
    exec('mount', ['-c', '-n', '-i', '-o', ['bind', ...options].join(','), '--', from, to], { timeoutMs });
  if (flags.length === 0) {
    await bind(source, target, []);
    return;
  }
  // What a process that was killed has left.
  await unmount(aside, { force: false });
  try {
    await bind(source, aside, flags);
    await bind(aside, target, []);
  } finally {
    await unmount(aside, { force: false });
  }
}
