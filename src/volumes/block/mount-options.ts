import { mountPointFlags, printableOption } from '../../pools/mount-options.ts';

/**
 * Mount options that a request may bring for the filesystem in an image. An allow-list, as for a pool: `logdev=`,
 * `journal_path=` or `loop` would make the privileged driver open something else. Sources: mount(8), ext4(5), xfs(5).
 */
const flags = new Set([
  'defaults',
  'sync',
  'async',
  'dirsync',
  'lazytime',
  'nolazytime',
  'acl',
  'noacl',
  'user_xattr',
  'nouser_xattr',
  'discard',
  'nodiscard',
  'barrier',
  'nobarrier',
  'delalloc',
  'nodelalloc',
  'auto_da_alloc',
  'noauto_da_alloc',
  'dioread_lock',
  'dioread_nolock',
  'journal_checksum',
  'journal_async_commit',
  'noload',
  'norecovery',
  'nouuid',
  'inode32',
  'inode64',
  'largeio',
  'nolargeio',
  'noalign',
  'swalloc',
  'quota',
  'noquota',
  'usrquota',
  'uquota',
  'grpquota',
  'gquota',
  'prjquota',
  'pquota',
  'block_validity',
  'noblock_validity',
  'init_itable',
  'noinit_itable',
]);

const number = /^\d{1,9}[kmg]?$/;

const values: Readonly<Record<string, RegExp>> = {
  data: /^(journal|ordered|writeback)$/,
  errors: /^(continue|remount-ro)$/,
  barrier: /^[01]$/,
  auto_da_alloc: /^[01]$/,
  commit: number,
  stripe: number,
  inode_readahead_blks: number,
  max_batch_time: number,
  min_batch_time: number,
  init_itable: number,
  allocsize: number,
  logbufs: number,
  logbsize: number,
  sunit: number,
  swidth: number,
};

/** Says what is wrong with one mount option for the filesystem in an image, or undefined if it may be used. */
export function filesystemOptionProblem(option: string): string | undefined {
  if (option === 'ro')
    return 'the mount option "ro" is not for a filesystem of its own, which would be attached for writing all the same; ask for ReadOnlyMany, or say readOnly where the pod names the claim';
  if (mountPointFlags.has(option) || flags.has(option)) return undefined;
  const equals = option.indexOf('=');
  const pattern = equals > 0 ? values[option.slice(0, equals)] : undefined;
  const shown = printableOption(option);
  if (pattern === undefined) {
    return `the mount option "${shown}" is not allowed; allowed are the options of ext4(5) and xfs(5) that name no other device`;
  }
  return pattern.test(option.slice(equals + 1))
    ? undefined
    : `the mount option "${shown}" has a value that is not known`;
}
