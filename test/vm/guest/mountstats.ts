// NFS operations by name, out of /proc/PID/mountstats.

/** How often an operation was sent, and how long its answers took in all, in milliseconds. */
export interface OperationCount {
  readonly count: number;
  readonly milliseconds: number;
}

export type OperationCounts = ReadonlyMap<string, OperationCount>;

/** Counts of the operations that were sent for the NFS mount at this mount point. */
export function operations(mountstats: string, mountPoint: string): OperationCounts {
  const device = mountstats
    .split(/^device /m)
    .find((part) => part.includes(` mounted on ${mountPoint} with fstype nfs`));
  if (device === undefined) throw new Error(`no NFS mount at ${mountPoint}`);
  const perOperation = device.slice(device.indexOf('per-op statistics'));
  // Name, then: sent, transmissions, timeouts, bytes out, bytes in, ms queued, ms until the answer, ms in all, errors.
  return new Map(
    [...perOperation.matchAll(/^\s+(\w+): (\d+)(?: \d+){5} (\d+)/gm)].map(([, name = '', count, took]) => [
      name,
      { count: Number(count), milliseconds: Number(took) },
    ]),
  );
}

/** What has been added between two counts; operations that did not occur are left out. */
export function added(before: OperationCounts, after: OperationCounts): OperationCounts {
  const entries = [...after].map(([name, { count, milliseconds }]) => {
    const earlier = before.get(name);
    const more: OperationCount = {
      count: count - (earlier?.count ?? 0),
      milliseconds: milliseconds - (earlier?.milliseconds ?? 0),
    };
    return [name, more] as const;
  });
  return new Map(entries.filter(([, { count }]) => count !== 0));
}

export const total = (counts: OperationCounts): number =>
  [...counts.values()].reduce((sum, { count }) => sum + count, 0);
