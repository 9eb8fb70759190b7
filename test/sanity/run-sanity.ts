// Runs the official csi-sanity, whole, against a socket that Berth serves.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { goTool } from '../setup/go-tools.ts';
import { readReport } from '../support/ginkgo-report.ts';
import type { LeftOut } from './left-out.ts';

/** Berth is to be started with `--max-volumes-per-node` of this. */
export const attachLimit = 8;

/** What volumes csi-sanity asks for; `said` is how that is told. */
const sanityKinds = {
  directories: { said: 'directories', accessType: 'mount', parameters: '' },
  ext4: { said: 'ext4', accessType: 'mount', parameters: 'csi.storage.k8s.io/fstype: ext4\n' },
  raw: { said: 'raw devices', accessType: 'block', parameters: '' },
} as const;
export type SanityKind = keyof typeof sanityKinds;

export interface SanityOptions {
  readonly kind: SanityKind;
  /** Words for the line with the counts: where it was tested. */
  readonly what: string;
  readonly socket: string;
  /** The command that csi-sanity is run with, for a run inside a host of the bed. */
  readonly prefix?: readonly string[];
  readonly leaveOut?: readonly LeftOut[];
  /** In bytes, of each volume; else csi-sanity's ten gibibytes. */
  readonly volumeBytes?: number;
}

/** The volumes, attachments, snapshots and copies that a pool has; deletions may be under way when the driver ends. */
export async function leftOn(pool: string): Promise<string[]> {
  const folders = ['volumes', 'snapshots', 'copies', 'groups'];
  const names = await Promise.all(folders.map((folder) => readdir(join(pool, '.berth', folder))));
  return names.flat().filter((name) => !name.endsWith('.deleting'));
}

/** Prints the counts, and what is left out with its reason; fails for a failed or any other skipped spec. */
export async function runSanity({
  kind,
  what,
  socket,
  prefix = [],
  leaveOut = [],
  volumeBytes,
}: SanityOptions): Promise<void> {
  const { said, accessType, parameters } = sanityKinds[kind];
  const work = await mkdtemp(join(tmpdir(), 'berth-sanity-'));
  try {
    await writeFile(join(work, 'mutable.yaml'), 'onDelete: retain\n');
    await writeFile(join(work, 'parameters.yaml'), parameters || '{}\n');
    const [file = '', ...words] = [
      ...prefix,
      goTool('csi-sanity'),
      `--csi.endpoint=${socket}`,
      `--csi.mountdir=${work}/mount`,
      `--csi.stagingdir=${work}/staging`,
      `--csi.testvolumemutableparameters=${work}/mutable.yaml`,
      `--csi.testvolumeparameters=${work}/parameters.yaml`,
      `--csi.testvolumeaccesstype=${accessType}`,
      '--csi.testnodevolumeattachlimit',
      ...(volumeBytes === undefined ? [] : [`--csi.testvolumesize=${volumeBytes}`]),
      `--ginkgo.json-report=${work}/report.json`,
      '--ginkgo.no-color',
      ...leaveOut.map(({ spec }) => `--ginkgo.skip=${spec}`),
    ];
    const { exitCode, all } = await execa(file, words, { reject: false, all: true, timeout: 10 * 60_000 });
    const report = await readReportOr(`${work}/report.json`, all);

    const counts = (['passed', 'failed', 'skipped', 'pending'] as const)
      .map((state) => `${report[state].length} ${state}`)
      .join(', ');
    console.log(`csi-sanity ${what}, ${said}: ${counts}`);
    for (const { spec, why } of leaveOut) console.log(`  left out: ${spec}: ${why}`);
    for (const spec of report.failed) console.log(`  failed: ${spec.name}\n    ${spec.message}`);

    assert.equal(report.failed.length, 0, all.slice(-20_000));
    const skipped = report.skipped.filter(({ name }) => !leaveOut.some(({ spec }) => name.includes(spec)));
    assert.deepEqual(skipped, [], 'skipped although Berth has the capability');
    assert.equal(report.skipped.length, leaveOut.length, 'what is left out is there');
    assert.ok(report.passed.length > 0);
    assert.equal(exitCode, 0, all.slice(-20_000));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function readReportOr(file: string, output: string) {
  try {
    return readReport(file);
  } catch (cause) {
    throw new Error(`csi-sanity left no report:\n${output}`, { cause });
  }
}
