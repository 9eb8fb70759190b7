/** Says what is wrong with the path of a device in a volume's attributes, or undefined if it may be looked for. */
export function devicePathProblem(path: string): string | undefined {
  if (Buffer.byteLength(path) > 512) return 'it is longer than 512 bytes';
  if (!path.startsWith('/dev/')) return 'it is not below /dev; write it as /dev/disk/by-id/scsi-...';
  if (/[\u0000-\u001f\u007f-\u009f]/.test(path)) return 'it has a control character';
  if (
    path
      .split('/')
      .slice(1)
      .some((part) => part === '' || part === '.' || part === '..')
  )
    return 'it has an empty part, a "." or a ".."; write it plainly';
  return undefined;
}

/** Whether a path names the same hardware on every node, so that two volumes with it are one device. */
export function isWorldWide(path: string): boolean {
  return /^\/dev\/disk\/by-(id|uuid|partuuid)\//.test(path);
}
