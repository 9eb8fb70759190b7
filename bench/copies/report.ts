// The tables of the bench of copies.
import type { Samples } from '../figures.ts';
import { median } from '../statistics.ts';
import { formatTable } from '../table.ts';
import {
  type CopyFigures,
  imageKey,
  keyOf,
  listKeys,
  type Operation,
  operations,
  type ServerFigures,
} from './figures.ts';

const labels: Readonly<Record<Operation, string>> = {
  snapshot: 'snapshot',
  restore: 'restore',
  clone: 'clone (1)',
  delete: 'DeleteSnapshot',
  removed: 'until its space is free (2)',
};

/** The least ratio that is to be reached; for large files with shared blocks and without. */
function goalOf(set: string, operation: Operation, shares: boolean): string {
  if (operation === 'delete' || operation === 'removed') return '';
  if (set === 'small') return '>= 1 x';
  if (operation === 'clone') return '';
  return shares ? '>= 20 x' : '>= 2 x';
}

export function reportCopies(figures: CopyFigures): string {
  const servers = Object.entries(figures.servers);
  return [
    formatTable(
      ['', 'server', 'Berth', 'csi-driver-nfs', 'times as fast', 'to reach'],
      Object.keys(figures.sets).flatMap((set) =>
        servers.flatMap(([kind, server]) => copyRows(figures, set, kind, server)),
      ),
    ),
    'Medians, with the least and the greatest. Caches are emptied before each call. NFSv4.2, sync exports.',
    '(1) csi-driver-nfs clones by `cp -a`, which shares blocks or copies on the server too (coreutils 9).',
    '(2) From the call until the data is removed: by Berth in the background, by csi-driver-nfs within the call.',
    '',
    formatTable(
      ['Berth alone', ...servers.map(([kind]) => kind)],
      aloneRows(figures).map(([label, key]) => [
        label,
        ...servers.map(([, { berth }]) => spread(berth, key)),
      ]),
    ),
    '',
    formatTable(
      ["NFS operations of Berth's mount, per call", 'server', ...bytes, ...onServer, 'all'],
      servers.flatMap(([kind, server]) => operationRows(kind, server)),
    ),
    ...servers.map(([kind, server]) => verdict(kind, server)),
  ].join('\n');
}

function copyRows(figures: CopyFigures, set: string, kind: string, server: ServerFigures): string[][] {
  const { files, bytes: sum } = figures.sets[set] ?? { files: 0, bytes: 0 };
  const what = `${files.toLocaleString('en')} files, ${megabytes(sum)}`;
  return operations.map((operation) => {
    const key = keyOf(set, operation);
    const [ours, theirs] = [server.berth[key], server.peer[key]];
    const ratio =
      ours === undefined || theirs === undefined ? '' : (median(theirs) / median(ours)).toFixed(2);
    return [
      `${what}: ${labels[operation]}`,
      kind,
      spread(server.berth, key),
      spread(server.peer, key),
      ratio,
      goalOf(set, operation, kind.includes('reflink')),
    ];
  });
}

function aloneRows({ image, snapshots }: CopyFigures): (readonly [string, string])[] {
  const count = snapshots.toLocaleString('en');
  return [
    [`snapshot of a raw image of ${megabytes(image.bytes)}, ${megabytes(image.data)} of it data`, imageKey],
    [`ListSnapshots of ${count}, by a controller that knows none`, listKeys.first],
    [`ListSnapshots of ${count}`, listKeys.whole],
    [`ListSnapshots by id, of ${count}`, listKeys.byId],
  ];
}

/** Operations that carry the bytes of files, and those by which a server copies them. */
const bytes = ['READ', 'READ_PLUS', 'WRITE'] as const;
const onServer = ['CLONE', 'COPY'] as const;

/** Those that copy. */
function copiesOf({ operations: counted }: ServerFigures) {
  const isCopy = (key: string): boolean => key === imageKey || /: (snapshot|restore|clone)$/.test(key);
  return Object.entries(counted).filter(([key]) => isCopy(key));
}

function operationRows(kind: string, server: ServerFigures): string[][] {
  return copiesOf(server).map(([key, { calls, operations: sums }]) => {
    const each = (count: number): string => String(Math.round((count / calls) * 10) / 10);
    const all = Object.values(sums).reduce((sum, { count }) => sum + count, 0);
    return [key, kind, ...[...bytes, ...onServer].map((name) => each(sums[name]?.count ?? 0)), each(all)];
  });
}

/** What the counters prove. */
function verdict(kind: string, server: ServerFigures): string {
  const copies = copiesOf(server);
  const sum = (names: readonly string[]): number =>
    copies.reduce(
      (total, [, { operations: sums }]) =>
        names.reduce((subtotal, name) => subtotal + (sums[name]?.count ?? 0), total),
      0,
    );
  const [carried, copied] = [sum(bytes), sum(onServer)];
  if (copied === 0) return `${kind}: the server has copied nothing`;
  return carried === 0
    ? `${kind}: no byte of file data has crossed the network`
    : `${kind}: file data has crossed the network, in ${carried} operations`;
}

function spread(samples: Samples, key: string): string {
  const values = samples[key];
  if (values === undefined || values.length === 0) return '-';
  const middle = duration(median(values));
  return values.length === 1
    ? middle
    : `${middle} (${duration(Math.min(...values))} to ${duration(Math.max(...values))})`;
}

/** Of milliseconds. */
function duration(milliseconds: number): string {
  return milliseconds < 10_000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

const megabytes = (count: number): string => `${(count / 1e6).toFixed(count < 1e8 ? 1 : 0)} MB`;
