/**
 * Which mount options may come from a config or a request. An allow-list: options such as `addr=`, `bind` or
 * `loop` would make the privileged driver mount something else than the pool that was named.
 * Sources: mount(8) "filesystem-independent mount options", nfs(5).
 */

/** Flags of one mount point, which a bind mount can have of its own (mount(8), MS_REMOUNT|MS_BIND). */
export const mountPointFlags: ReadonlySet<string> = new Set([
  'ro',
  'rw',
  'noexec',
  'exec',
  'nosuid',
  'suid',
  'nodev',
  'dev',
  'noatime',
  'atime',
  'nodiratime',
  'diratime',
  'relatime',
  'norelatime',
  'strictatime',
  'nostrictatime',
]);

const nfsFlags = new Set([
  'defaults',
  'sync',
  'async',
  'hard',
  'soft',
  'softerr',
  'softreval',
  'nosoftreval',
  'ac',
  'noac',
  'cto',
  'nocto',
  'lock',
  'nolock',
  'acl',
  'noacl',
  'sharecache',
  'nosharecache',
  'resvport',
  'noresvport',
  'rdirplus',
  'nordirplus',
  'intr',
  'nointr',
  'fsc',
  'nofsc',
  'trunkdiscovery',
  'notrunkdiscovery',
  'tcp',
  'udp',
  'rdma',
]);

const number = /^\d{1,9}$/;

const nfsValues: Readonly<Record<string, RegExp>> = {
  nfsvers: /^(3|4|4\.[0-2])$/,
  vers: /^(3|4|4\.[0-2])$/,
  minorversion: /^[0-2]$/,
  proto: /^(tcp|tcp6|udp|udp6|rdma|rdma6)$/,
  mountproto: /^(tcp|tcp6|udp|udp6)$/,
  mountvers: /^[1-3]$/,
  sec: /^(sys|none|krb5|krb5i|krb5p)(:(sys|none|krb5|krb5i|krb5p))*$/,
  lookupcache: /^(all|none|pos|positive)$/,
  local_lock: /^(all|flock|posix|none)$/,
  xprtsec: /^(none|tls|mtls)$/,
  timeo: number,
  retrans: number,
  retry: number,
  rsize: number,
  wsize: number,
  bsize: number,
  acregmin: number,
  acregmax: number,
  acdirmin: number,
  acdirmax: number,
  actimeo: number,
  nconnect: /^([1-9]|1[0-6])$/,
  max_connect: /^([1-9]|1[0-6])$/,
};

/** Says what is wrong with one mount option for a pool of this kind, or undefined if it may be used. */
export function mountOptionProblem(option: string, kind: 'nfs' | 'local'): string | undefined {
  if (mountPointFlags.has(option)) return undefined;
  if (kind === 'local') {
    return `the mount option "${printableOption(option)}" is not one that a bind mount can have; use ${[...mountPointFlags].join(', ')}`;
  }
  if (nfsFlags.has(option)) return undefined;
  const equals = option.indexOf('=');
  const pattern = equals > 0 ? nfsValues[option.slice(0, equals)] : undefined;
  if (pattern === undefined) {
    return `the mount option "${printableOption(option)}" is not allowed; allowed are the options of nfs(5) that do not name another server, and ${[...mountPointFlags].join(', ')}`;
  }
  return pattern.test(option.slice(equals + 1))
    ? undefined
    : `the mount option "${printableOption(option)}" has a value that nfs(5) does not know`;
}

/** Only the option's name is repeated: a value may be meant for nobody else. */
export function printableOption(option: string): string {
  return (option.split('=', 1)[0] ?? '').replace(/[^\x20-\x7e]/g, '?').slice(0, 40);
}
