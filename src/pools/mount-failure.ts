import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { CommandError } from '../host/command-error.ts';

interface Meaning {
  readonly sign: RegExp;
  readonly code: status;
  readonly reason: string;
  readonly sentence: (server: string) => string;
}

/** What mount.nfs says (with LC_ALL=C), and what it means to people. The first that fits counts. */
const meanings: readonly Meaning[] = [
  {
    // Comes with "an incorrect mount option was specified".
    sign: /rpc\.statd is not running|Failed to start statd/,
    code: status.FAILED_PRECONDITION,
    reason: 'nfs-locks-missing',
    sentence: () =>
      'NFSv3 needs rpcbind and rpc.statd on this node for its locks; start them, or put nfsvers=4.2 or nolock into the mount options',
  },
  {
    sign: /access denied by server|Permission denied|Operation not permitted/,
    code: status.PERMISSION_DENIED,
    reason: 'export-denied',
    sentence: (server) =>
      `The NFS server ${server} refuses its export to this node; check that the export's list of clients has this node's address`,
  },
  {
    sign: /No such file or directory/,
    code: status.FAILED_PRECONDITION,
    reason: 'export-missing',
    sentence: (server) =>
      `The NFS server ${server} has no such export for this node; check the pool's path and the export's list of clients`,
  },
  {
    sign: /Failed to resolve server|[Nn]ame or service not known|name resolution/,
    code: status.UNAVAILABLE,
    reason: 'server-name-unknown',
    sentence: (server) =>
      `The name of the NFS server ${server} cannot be resolved; check it and this node's DNS`,
  },
  {
    // "mount system call failed" is EIO: a soft mount has given up on a server that takes connections and says nothing.
    sign: /mount system call failed|Connection refused|timed out|No route to host|Network is unreachable|Host is down|Stale file handle|Input\/output error/,
    code: status.UNAVAILABLE,
    reason: 'pool-unavailable',
    sentence: (server) =>
      `The NFS server ${server} cannot be reached; check that it runs and that this node reaches its port 2049`,
  },
  {
    sign: /Protocol not supported|version or transport protocol is not supported|RPC prog\. not avail|Program not registered/,
    code: status.FAILED_PRECONDITION,
    reason: 'nfs-version-unsupported',
    sentence: (server) =>
      `The NFS server ${server} does not serve the NFS version or transport that was asked for; check nfsvers and proto in the mount options`,
  },
  {
    sign: /No such device|unknown filesystem type/,
    code: status.FAILED_PRECONDITION,
    reason: 'nfs-client-missing',
    sentence: () => "This node's kernel has no NFS client; load the kernel module nfs",
  },
  {
    sign: /incorrect mount option|[Ii]nvalid argument|bad option|mount options? (was|were|is)/,
    code: status.FAILED_PRECONDITION,
    reason: 'mount-options-refused',
    sentence: () =>
      'The kernel refuses the mount options; check those of the pool and of the volume against nfs(5)',
  },
];

/** What a failed mount of a pool's export means to the caller of an RPC. The output stays in the cause. */
export function mountFailure(
  error: unknown,
  { pool, server, timeoutMs }: { pool: string; server: string; timeoutMs: number },
): CsiError {
  const fail = (code: status, reason: string, sentence: string) =>
    new CsiError(code, reason, `${sentence} (pool ${pool}).`, { cause: error });
  if (!(error instanceof CommandError)) {
    return fail(
      status.INTERNAL,
      'mount-failed',
      'The NFS export could not be mounted; the log has the reason',
    );
  }
  if (error.timedOut) {
    return fail(
      status.UNAVAILABLE,
      'pool-unavailable',
      `The NFS server ${server} did not answer the mount within ${timeoutMs / 1000} s; check that it runs and that this node reaches its port 2049`,
    );
  }
  if (error.exitCode === undefined && error.signal === undefined) {
    return fail(
      status.FAILED_PRECONDITION,
      'nfs-client-missing',
      'The program mount.nfs is missing on this node; use an image or a machine with nfs-common (nfs-utils)',
    );
  }
  const meaning = meanings.find(({ sign }) => sign.test(error.stderr));
  if (meaning !== undefined) return fail(meaning.code, meaning.reason, meaning.sentence(server));
  return fail(
    status.INTERNAL,
    'mount-failed',
    `The export of the NFS server ${server} could not be mounted; the log has what mount.nfs said`,
  );
}
