// The one table of the bench.
import type { Figures, Samples } from './figures.ts';
import { median } from './statistics.ts';
import { formatTable } from './table.ts';

type Side = 'berth' | 'peer';

interface Row {
  readonly label: string;
  /** How the samples of a side make its figure; undefined where there are none. */
  readonly figure: (side: Side) => number | undefined;
  readonly unit: string;
  readonly digits: number;
  /** A rate is better when higher, so the ratio is ours to theirs all the same; this says what it must reach. */
  readonly goal?: string;
}

export function report(figures: Figures): string {
  const rows: Row[] = [
    row('CreateVolume, one at a time', 'create', 'rate'),
    { ...row('CreateVolume, 8 in flight', 'create at 8', '/s'), goal: '>= 8 x' },
    row('DeleteVolume, one at a time', 'delete', 'rate'),
    { ...row('DeleteVolume, 8 in flight', 'delete at 8', '/s'), goal: '>= 8 x' },
    row('CreateVolume, time of a call', 'create', 'ms'),
    row('DeleteVolume of an empty volume', 'delete', 'ms'),
    row('DeleteVolume of a volume with 5,000 files', 'delete 5,000 files', 'ms'),
    row('first pod on a node', 'first pod', 'ms', '<= 1.2 x'),
    row('further pod of the volume', 'further pod', 'ms', '<= 0.6 x'),
    row('first pod of a further volume', 'first pod of a further volume', 'ms', '<= 0.6 x'),
    row('both pods of a volume gone', 'both pods gone', 'ms'),
    row('ListVolumes of 10', 'list at 10', 'ms'),
    row('ListVolumes of 2,000', 'list at 2,000', 'ms'),
    row('CreateVolume beside 10 volumes', 'create at 10 volumes', 'ms'),
    row('CreateVolume beside 2,000 volumes', 'create at 2,000 volumes', 'ms'),
    row('NFS operations of a CreateVolume (1)', 'operations of create', '', 'Berth <= 5'),
    row('NFS operations of a DeleteVolume (1)', 'operations of delete', '', 'Berth <= 5'),
    row('  the same, in a burst of 32: CreateVolume', 'operations of create, in a burst', 'ops'),
    row('  the same, in a burst of 32: DeleteVolume', 'operations of delete, in a burst', 'ops'),
    row('empty call (Probe)', 'empty call', 'ms'),
    row('start to first Probe, in the VM', 'first Probe', 'ms'),
    row('start to first Probe, this machine', 'native first Probe', 'ms', 'Berth <= 250'),
    row('node: resident, idle, in the VM', 'idle', 'MB'),
    row('node: resident, idle, this machine', 'native idle', 'MB', 'Berth <= 70'),
    row('node: resident after 20,000 calls, this machine (2)', 'native busy', 'MB', 'Berth <= 78'),
    row('node: calls, 8 in flight, this machine (2)', 'native calls', '/s'),
  ];

  function row(label: string, what: string, unit: string, goal?: string): Row {
    const figure = (side: Side): number | undefined => middle(figures[side], what);
    const inverse = (side: Side): number | undefined => {
      const milliseconds = figure(side);
      return milliseconds === undefined ? undefined : 1000 / milliseconds;
    };
    const base = unit === 'rate' ? { figure: inverse, unit: '/s' } : { figure, unit };
    const digits = unit === '' || unit === 'ms' ? 0 : 1;
    return { label, digits, ...base, ...(goal === undefined ? {} : { goal }) };
  }

  const table = formatTable(
    ['', 'Berth', 'csi-driver-nfs', 'ratio', 'to reach'],
    rows.map(({ label, figure, unit, digits, goal = '' }) => {
      const [ours, theirs] = [figure('berth'), figure('peer')];
      const show = (value: number | undefined): string =>
        value === undefined ? '-' : `${value.toFixed(digits)} ${unit}`.trim();
      const ratio = ours === undefined || theirs === undefined ? '' : (ours / theirs).toFixed(2);
      return [label, show(ours), show(theirs), ratio, goal];
    }),
  );
  return [table, '', ...within(figures), ...bare(figures.bare), ...operations(figures)].join('\n');
}

function middle(samples: Samples, what: string): number | undefined {
  const values = samples[what];
  return values === undefined || values.length === 0 ? undefined : median(values);
}

/** Ratios of Berth to itself. */
function within({ berth }: Figures): string[] {
  const ratio = (label: string, over: string, under: string, goal: string): string => {
    const [a, b] = [middle(berth, over), middle(berth, under)];
    return `${label}: ${a === undefined || b === undefined ? '-' : (a / b).toFixed(2)} (to reach: ${goal})`;
  };
  return [
    ratio('DeleteVolume with 5,000 files to empty', 'delete 5,000 files', 'delete', '<= 2'),
    ratio(
      'CreateVolume beside 2,000 volumes to 10',
      'create at 2,000 volumes',
      'create at 10 volumes',
      '<= 1.3',
    ),
  ];
}

function bare(samples: Samples): string[] {
  const show = (what: string, digits: number): string => middle(samples, what)?.toFixed(digits) ?? '-';
  return [
    `bare, in the VM: mount -t nfs ${show('mount', 0)} ms, mount --bind ${show('bindMount', 0)} ms, ` +
      `mkdir ${show('mkdirs', 0)}/s alone and ${show('mkdirs8', 0)}/s at 8`,
  ];
}

function operations({ operations: byCall }: Figures): string[] {
  const perCall = Object.entries(byCall).map(([what, { calls, operations: counts }]) => {
    const each = Object.entries(counts).map(
      ([name, { count, milliseconds }]) =>
        `${(count / calls).toFixed(1)} ${name} (${(milliseconds / count).toFixed(1)} ms)`,
    );
    return `${what}: ${each.join(', ')}`;
  });
  return [
    '(1) Berth: mountstats of its mount, read at the answer of a call after a pause; csi-driver-nfs mounts anew for each call: all NFS calls of the client (/proc/net/rpc/nfs). Per call, with the time of each until its answer:',
    ...perCall,
    '(2) Probe, NodeGetInfo and NodeGetCapabilities; for Berth each 20th is a NodeGetVolumeStats of a published volume.',
  ];
}
