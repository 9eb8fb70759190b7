import { type BigIntStats, fchmodSync, fchownSync } from 'node:fs';
import { isErrno } from '../../errors/errno.ts';
import { getAttribute, listAttributes, type Place, setAttribute, setTimes } from './libc.ts';

/** set-user-ID, set-group-ID and the sticky bit (inode(7)). */
const specialBits = 0o7000n;
const modeBits = 0o7777n;

/** Says of a file what this machine's own policy makes of it, and is not the volume's. */
const ofThisMachine = 'security.selinux';
/** The server's ACL, as the NFS client shows it; every file has one (RFC 8881, section 6). */
const nfsAcl = Buffer.from('system.nfs4_acl');

const unsupported = ['EOPNOTSUPP', 'ENOTSUP'];

/** Copies attributes from one place to another of the same kind. */
export class AttributeCopier {
  /** What the server shows as the ACL of permission bits alone. */
  readonly #ordinaryAcls = new Map<bigint, Buffer>();

  /**
   * Owner, permission bits, extended attributes, times, of what is open. In this order: a change of the owner takes
   * capabilities and set-user-ID away, an ACL has the last word on permission bits, and all of it changes the times.
   * `made` are the attributes that it was made with.
   */
  copy(from: number, to: number, wanted: BigIntStats, made: BigIntStats): void {
    const { uid, gid, mode } = wanted;
    if (made.uid !== uid || made.gid !== gid) fchownSync(to, Number(uid), Number(gid));
    // Writing to a file takes its special bits away too.
    if ((mode & specialBits) !== 0n || made.mode !== mode) fchmodSync(to, Number(mode & modeBits));
    this.copyExtended(from, to, mode);
    setTimes(to, wanted);
  }

  /** Copies extended attributes, ACLs included (xattr(7), acl(5)). */
  copyExtended(from: Place, to: Place, mode: bigint): void {
    for (const name of attributesOf(from)) {
      const text = name.toString();
      if (text === ofThisMachine) continue;
      const value = readIfThere(from, name);
      if (value === undefined) continue;
      if (name.equals(nfsAcl) && value.equals(this.#ordinaryAcl(to, mode))) continue;
      setAttribute(to, name, value);
    }
  }

  /** Asked once for each set of bits: of the others it is the same. */
  #ordinaryAcl(to: Place, mode: bigint): Buffer {
    const known = this.#ordinaryAcls.get(mode);
    if (known !== undefined) return known;
    const acl = readIfThere(to, nfsAcl) ?? Buffer.alloc(0);
    this.#ordinaryAcls.set(mode, acl);
    return acl;
  }
}

function attributesOf(place: Place): Buffer[] {
  try {
    return listAttributes(place);
  } catch (error) {
    if (isErrno(error, ...unsupported)) return [];
    throw error;
  }
}

/** Undefined where it was removed meanwhile. */
function readIfThere(place: Place, name: Buffer): Buffer | undefined {
  try {
    return getAttribute(place, name);
  } catch (error) {
    if (isErrno(error, 'ENODATA')) return undefined;
    throw error;
  }
}
