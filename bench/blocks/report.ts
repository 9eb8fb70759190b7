// The tables of the bench of image volumes.
import type { Samples } from '../figures.ts';
import { median } from '../statistics.ts';
import { formatTable } from '../table.ts';

export interface BlockFigures {
  /** Bytes per second, by pattern and kind of volume. */
  readonly patterns: Record<string, Samples>;
  /** Milliseconds. */
  readonly times: Samples;
}

export function reportBlocks({ patterns, times }: BlockFigures): string {
  const rows = Object.entries(patterns).map(([name, samples]) => {
    const [plain, raw, ext4] = ['directory', 'raw', 'ext4'].map((kind) => median(samples[kind] ?? []));
    if (plain === undefined || raw === undefined || ext4 === undefined) throw new Error('no samples');
    return { name, plain, raw, ext4 };
  });
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB/s`;
  const throughput = formatTable(
    ['fio, direct', 'plain file on NFS', 'raw device', 'ext4 in an image', 'raw : plain', 'ext4 : plain'],
    rows.map(({ name, plain, raw, ext4 }) => [
      name,
      ...[plain, raw, ext4].map(megabytes),
      ...[raw, ext4].map((rate) => (rate / plain).toFixed(2)),
    ]),
  );
  const ratios = rows.map(({ plain, raw }) => raw / plain);
  const average = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  const ms = (what: string) => median(times[what] ?? []);
  const duration = formatTable(
    ['', 'median of the rounds'],
    Object.keys(times).map((what) => [what, `${ms(what).toFixed(0)} ms`]),
  );
  const ratio = (over: string, under: string) => (ms(over) / ms(under)).toFixed(2);
  return [
    throughput,
    `raw device to plain file: ${average.toFixed(2)} on average (to reach: >= 0.9), at least ${Math.min(...ratios).toFixed(2)} (>= 0.8)`,
    '',
    duration,
    `stage + publish of a new ext4 image to mount and mkfs: ${ratio('stage + publish, new', 'bare: mount -t nfs, mkfs')} (to reach: <= 2.5)`,
    `stage + publish of an existing one to both mounts: ${ratio('stage + publish, existing', 'bare: mount -t nfs, mount')} (to reach: <= 1.5)`,
  ].join('\n');
}
