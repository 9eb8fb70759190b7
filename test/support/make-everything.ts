import { closeSync, constants, openSync } from 'node:fs';
import { link, mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { makeNodeAt, openAt, setAttribute, setOwnerAt, setTimesAt } from '../../src/host/copy/libc.ts';

/** user::rwx, user:1000:r--, group::r-x, mask::r-x, other::---, as linux/posix_acl_xattr.h has it. */
const acl = Buffer.from(
  [
    '02000000',
    '0100' + '0700' + 'ffffffff',
    '0200' + '0400' + 'e8030000',
    '0400' + '0500' + 'ffffffff',
    '1000' + '0500' + 'ffffffff',
    '2000' + '0000' + 'ffffffff',
  ].join(''),
  'hex',
);

/** Makes one of each kind of entry in a directory that is there. */
export async function makeEverything(root: string): Promise<void> {
  await mkdir(join(root, 'a/b/empty'), { recursive: true });
  await mkdir(join(root, 'shared'), { mode: 0o770 });
  await writeFile(join(root, 'a/file'), 'content');
  await writeFile(join(root, 'a/none'), '');
  await writeFile(join(root, 'a/b/tool'), '#!/bin/sh\n');
  await link(join(root, 'a/file'), join(root, 'again'));
  await link(join(root, 'a/file'), join(root, 'a/b/and again'));
  await symlink('/etc/passwd', join(root, 'absolute'));
  await symlink(Buffer.from('nowhere\xff', 'latin1'), join(root, 'dangling'));
  await symlink('a', join(root, 'to a directory'));
  const dir = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  const name = (text: string) => Buffer.from(text, 'latin1');
  closeSync(openAt(dir, name('not\xfeUTF-8\n'), constants.O_CREAT | constants.O_WRONLY, 0o600));
  makeNodeAt(dir, name('fifo'), constants.S_IFIFO | 0o620, 0n);
  makeNodeAt(dir, name('null'), constants.S_IFCHR | 0o666, 0x103n);
  makeNodeAt(dir, name('disk'), constants.S_IFBLK | 0o660, 0x700n);
  makeNodeAt(dir, name('socket'), constants.S_IFSOCK | 0o755, 0n);
  setOwnerAt(dir, name('dangling'), 1_000, 1_001);
  setOwnerAt(dir, name('shared'), 1_000, 1_001);
  await execa`chown 1000:1001 ${join(root, 'a/b/tool')} ${join(root, 'fifo')}`;
  await execa`chmod 6751 ${join(root, 'a/b/tool')}`;
  await execa`chmod 3770 ${join(root, 'shared')}`;
  setAttribute(name(join(root, 'a/b')), name('user.origin'), Buffer.from('here'));
  setAttribute(name(join(root, 'a/none')), name('user.empty'), Buffer.alloc(0));
  setAttribute(name(join(root, 'dangling')), name('trusted.of-a-link'), Buffer.from('1'));
  setAttribute(name(join(root, 'a/file')), name('system.posix_acl_access'), acl);
  setAttribute(name(join(root, 'shared')), name('system.posix_acl_default'), acl);
  // In a directory with a default ACL.
  await writeFile(join(root, 'shared/heir'), 'x', { mode: 0o640 });
  const sparse = await open(join(root, 'sparse'), 'w');
  await sparse.write('begin', 0);
  await sparse.write('middle', 5 << 20);
  await sparse.truncate(16 << 20);
  await sparse.close();
  const times = { atimeNs: 1_000_000_001n, mtimeNs: 1_234_567_890_123_456_789n };
  for (const each of ['a', 'dangling', 'fifo', 'sparse', 'shared']) setTimesAt(dir, name(each), times);
  // Before 1970.
  setTimesAt(dir, name('null'), { atimeNs: -1n, mtimeNs: -1_500_000_000n });
  closeSync(dir);
}
