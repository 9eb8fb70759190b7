import { readFileSync } from 'node:fs';

/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  readonly id: number;
  readonly parentId: number;
  /** `major:minor` of the file system; the same for all mounts of one superblock. */
  readonly device: string;
  /** What of the file system is mounted, from its own root: "/" or, for a bind, "/some/directory". */
  readonly root: string;
  /** The mounted directory has been removed since. */
  readonly deleted: boolean;
  readonly mountPoint: string;
  /** Flags of this mount point, comma separated. */
  readonly options: string;
  readonly fsType: string;
  /** For NFS `server:/path` of what is mounted, also for a bind; for others whatever mount was told. */
  readonly source: string;
  /** Options of the file system, comma separated. */
  readonly superOptions: string;
}

/** The mount table, in the order of mounting. Reading it touches no file system, dead or not. */
export function readMountinfo(): Mount[] {
  return parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
}

export function parseMountinfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf('\n', start);
    if (end === -1) end = text.length;
    const mount = parseLine(text.slice(start, end));
    if (mount !== undefined) mounts.push(mount);
    start = end + 1;
  }
  return mounts;
}

const deletedSuffix = '//deleted';

function parseLine(line: string): Mount | undefined {
  const fields = line.split(' ');
  // Any number of optional fields stands before the hyphen; none of them can be a bare "-".
  const hyphen = fields.indexOf('-', 6);
  const [id, parentId, device, root, mountPoint, options] = fields;
  if (hyphen === -1 || device === undefined || root === undefined) return undefined;
  if (mountPoint === undefined || options === undefined) return undefined;
  const deleted = root.endsWith(deletedSuffix);
  return {
    id: Number(id),
    parentId: Number(parentId),
    device,
    root: decode(deleted ? root.slice(0, -deletedSuffix.length) : root),
    deleted,
    mountPoint: decode(mountPoint),
    options,
    fsType: fields[hyphen + 1] ?? '',
    source: decode(fields[hyphen + 2] ?? ''),
    superOptions: fields[hyphen + 3] ?? '',
  };
}

/** The kernel writes space, tab, newline, backslash and "#" as a backslash and three octal digits. */
function decode(field: string): string {
  if (!field.includes('\\')) return field;
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Ids of the mounts whose mounts below are seen in other mount namespaces too (mount_namespaces(7), MS_SHARED). */
export function sharedMounts(text: string): ReadonlySet<number> {
  const shared = new Set<number>();
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    const optional = fields.slice(6, fields.indexOf('-', 6));
    if (optional.some((field) => field.startsWith('shared:'))) shared.add(Number(fields[0]));
  }
  return shared;
}

/** What is seen at a path: the last of the mounts stacked there. Undefined: the path is no mount point. */
export function topmostAt(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts.findLast((mount) => mount.mountPoint === path);
}

/** The mount that a path lies in, or is. Undefined only for a table without "/". */
export function mountHolding(mounts: readonly Mount[], path: string): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    const longer = best === undefined || mount.mountPoint.length >= best.mountPoint.length;
    if (longer && isWithin(path, mount.mountPoint)) best = mount;
  }
  return best;
}

/** Mounts on paths below a directory, not on itself. */
export function mountsBelow(directory: string, mounts: readonly Mount[] = readMountinfo()): Mount[] {
  const prefix = directory.endsWith('/') ? directory : `${directory}/`;
  return mounts.filter(({ mountPoint }) => mountPoint.startsWith(prefix) && mountPoint !== prefix);
}

/** True if the path is the directory or below it, as text. */
export function isWithin(path: string, directory: string): boolean {
  if (directory === '/' || path === directory) return true;
  return path.startsWith(directory) && path.charCodeAt(directory.length) === 47;
}

/** True if the mount point has this flag (`ro`, `noexec`, ...). */
export function hasOption(mount: Mount, option: string): boolean {
  return mount.options.split(',').includes(option);
}

/** Whether a look at the file system may wait for another machine, or for a program of this one. */
export function isRemote({ fsType }: Mount): boolean {
  return /^(nfs4?|cifs|smb3|ceph|9p|virtiofs|afs|lustre|glusterfs|gfs2|ocfs2|fuse(\..+)?)$/.test(fsType);
}

export function isNfs(mount: Mount): boolean {
  return mount.fsType === 'nfs' || mount.fsType === 'nfs4';
}
