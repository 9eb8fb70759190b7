import { type Run, run } from './run.ts';

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
  readonly timeoutMs: number;
}

/**
 * Mounts an NFS export. Throws CommandError; on a timeout the whole group is killed, and only the mount table
 * can say whether the mount came about all the same.
 */
export async function mountNfs(request: NfsMountRequest, exec: Run = run): Promise<void> {
  const { path, target, options, timeoutMs } = request;
  // The helper directly: mount(8) would only look up its name and start it, which is one process more.
  // retry=0: nfs(5) lets mount.nfs repeat a refused mount for two minutes; here the CO repeats the call.
  const given = ['retry=0', ...options].join(',');
  await exec('mount.nfs', [nfsSource(request.server, path), target, '-n', '-o', given], { timeoutMs });
}

/** `server:path` as mount.nfs takes it and the mount table shows it. */
export function nfsSource(server: string, path: string): string {
  const host = server.includes(':') && !server.startsWith('[') ? `[${server}]` : server;
  return `${host}:${path}`;
}

/**
 * Makes a directory appear at another path. Throws CommandError, which may have left the mount in place: look at
 * the mount table. With flags the kernel needs a second step, in the same process; until then the mount has the
 * flags of its source.
 */
export async function bindMount(request: BindMountRequest, exec: Run = run): Promise<void> {
  const { source, target, flags, timeoutMs } = request;
  // -c (--no-canonicalize), -n and -i: no look at the paths, at /run/mount or for a helper before the system call.
  const args = ['-c', '-n', '-i', '-o', ['bind', ...flags].join(','), '--', source, target];
  await exec('mount', args, { timeoutMs });
}
