// NFS operations by name, out of /proc/PID/mountstats.

/** Counts of the operations that were sent for the NFS mount at this mount point. */
export function operations(mountstats: string, mountPoint: string): Map<string, number> {
  const device = mountstats
    .split(/^device /m)
    .find((part) => part.includes(` mounted on ${mountPoint} with fstype nfs`));
  if (device === undefined) throw new Error(`no NFS mount at ${mountPoint}`);
  const perOperation = device.slice(device.indexOf('per-op statistics'));
  return new Map(
    [...perOperation.matchAll(/^\s+(\w+): (\d+)/gm)].map(([, name = '', count]) => [name, Number(count)]),
  );
}

/** What has been added between two counts; operations that did not occur are left out. */
export function added(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Map<string, number> {
  const entries = [...after].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const);
  return new Map(entries.filter(([, count]) => count !== 0));
}

export const total = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);
