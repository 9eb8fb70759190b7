import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { parse, parseAllDocuments } from 'yaml';
import type { VolumeCapabilityInit } from '../../../src/wire/generated/csi-types.ts';
import { makeMachine } from '../../support/driver.ts';
import { temporaryDirectory } from '../../support/tree.ts';
import {
  claimOf,
  handWritten,
  ofCsiDriverNfs,
  ofSubdirProvisioner,
  uid,
} from '../../unit/migrate/volumes.ts';

const cli = resolve(import.meta.dirname, '../../../src/cli.ts');

interface Printed {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly mountOptions?: readonly string[];
    readonly volumeName?: string;
    readonly claimRef?: { readonly uid?: string };
    readonly csi: {
      readonly driver: string;
      readonly volumeHandle: string;
      readonly volumeAttributes: Readonly<Record<string, string>>;
    };
  };
}

/** Runs `berth migrate` with this on its standard input, on a config whose pool scratch is an NFS export. */
async function migrate(t: TestContext, input: string, ...args: readonly string[]) {
  const config = join(await temporaryDirectory(t), 'config.yaml');
  await writeFile(config, 'pools: { scratch: { nfs: { server: 10.0.0.5, path: /export/k8s } } }\n');
  const result = await execa(process.execPath, [cli, 'migrate', '--config', config, ...args], {
    input,
    reject: false,
    timeout: 60_000,
  });
  // The cast: what kubectl would read, whose fields each test looks at.
  const printed = parseAllDocuments(result.stdout, { schema: 'yaml-1.1' }).map(
    (each) => each.toJS() as Printed,
  );
  return { ...result, printed: result.stdout === '' ? [] : printed };
}

function list(...items: readonly unknown[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, undefined, 4);
}

test('a real driver takes what is printed, and a pod sees the data where it was', async (t) => {
  const { printed, exitCode } = await migrate(
    t,
    list(
      ofSubdirProvisioner({ name: 'pvc-1', spec: { mountOptions: ['noatime'] } }),
      ofCsiDriverNfs({ name: 'pvc-2', subDir: 'web/data' }),
    ),
  );
  assert.equal(exitCode, 0);
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  for (const [index, directory] of ['web-data-pvc-1', 'web/data'].entries()) {
    await mkdir(join(machine.pool, directory), { recursive: true });
    await writeFile(join(machine.pool, directory, 'photo'), directory);
    const { volumeHandle, volumeAttributes, driver } = printed[index]?.spec.csi ?? assert.fail();
    assert.equal(driver, (await csi.Identity.GetPluginInfo({})).name);
    const capability: VolumeCapabilityInit = {
      mount: { mount_flags: [...(printed[index]?.spec.mountOptions ?? [])] },
      access_mode: { mode: 'MULTI_NODE_MULTI_WRITER' },
    };
    const volume = { volume_id: volumeHandle, volume_context: volumeAttributes };
    const validated = await csi.Controller.ValidateVolumeCapabilities({
      ...volume,
      volume_capabilities: [capability],
    });
    assert.ok(validated.confirmed, validated.message);
    const attach = { ...volume, node_id: 'node-1', volume_capability: capability };
    const { publish_context } = await csi.Controller.ControllerPublishVolume(attach);
    const staging = join(machine.directory, `staging-${index}`);
    const target = join(machine.directory, `target-${index}`);
    await mkdir(staging);
    const stage = { ...volume, volume_capability: capability, publish_context, staging_target_path: staging };
    await csi.Node.NodeStageVolume(stage);
    await csi.Node.NodePublishVolume({ ...stage, target_path: target });
    assert.equal(await readFile(join(target, 'photo'), 'utf8'), directory);
    await csi.Node.NodeUnpublishVolume({ volume_id: volumeHandle, target_path: target });
    await csi.Node.NodeUnstageVolume({ volume_id: volumeHandle, staging_target_path: staging });
    await csi.Controller.ControllerUnpublishVolume({ volume_id: volumeHandle, node_id: 'node-1' });
    // Whatever a sidecar may ask: what was migrated is never deleted.
    await csi.Controller.DeleteVolume({ volume_id: volumeHandle });
    assert.deepEqual(await readdir(join(machine.pool, directory)), ['photo']);
  }
});

test('claims are printed after the volumes that they had, bound to the new ones', async (t) => {
  const claims = [claimOf({ name: 'pvc-1' }), claimOf({ name: 'pvc-7', claim: 'of-another-volume' })];
  const { printed, stdout } = await migrate(t, list(...claims, ofSubdirProvisioner({ name: 'pvc-1' })));
  assert.deepEqual(
    printed.map(({ kind, metadata, spec }) => [kind, metadata.name, spec.volumeName]),
    [
      ['PersistentVolume', 'pvc-1-berth', undefined],
      ['PersistentVolumeClaim', 'data', 'pvc-1-berth'],
    ],
  );
  assert.doesNotMatch(stdout, /uid|resourceVersion|finalizers|bind-completed/);
});

test('text that YAML 1.1 would take for something else is quoted', async (t) => {
  const labels = {
    answer: 'yes',
    version: '1.10',
    time: '12:30',
    octal: '0o17',
    none: 'null',
    '0X1F': 'hex',
  };
  const { printed, stdout } = await migrate(
    t,
    list(ofSubdirProvisioner({ name: 'pvc-1', metadata: { labels } })),
  );
  assert.deepEqual(printed[0]?.metadata.labels, labels);
  // Go's parser takes these for numbers; this test's does not.
  assert.match(stdout, /octal: "0o17"\n/);
  assert.match(stdout, /"0X1F": hex\n/);
});

test('one volume that cannot be migrated makes the status 1; the others are printed', async (t) => {
  const { printed, exitCode, stderr } = await migrate(
    t,
    list(
      ofSubdirProvisioner({ name: 'pvc-1' }),
      ofSubdirProvisioner({ name: 'pvc-2', server: 'nas3', path: '/srv/a' }),
      handWritten({ name: 'photos', path: '/export/k8s/photos' }),
      claimOf({ name: 'pvc-1' }),
    ),
  );
  assert.equal(exitCode, 1);
  assert.deepEqual(
    printed.map(({ metadata }) => metadata.name),
    ['pvc-1-berth', 'data'],
  );
  assert.deepEqual(
    stderr.split('\n').map((line) => line.split(':').slice(0, 3).join(':')),
    [
      'berth: photos: left out',
      'berth: pvc-2: cannot be migrated',
      'berth: 1 of 3 PersistentVolumes migrated, 1 cannot be',
    ],
  );
});

test('a volume that is not Retain is not printed and makes the status 1, with the command to run first', async (t) => {
  const spec = { persistentVolumeReclaimPolicy: 'Delete' };
  const { printed, exitCode, stderr } = await migrate(
    t,
    list(ofSubdirProvisioner({ name: 'pvc-1' }), ofSubdirProvisioner({ name: 'pvc-2', spec })),
  );
  assert.equal(exitCode, 1);
  assert.deepEqual(
    printed.map(({ metadata }) => metadata.name),
    ['pvc-1-berth'],
  );
  assert.match(
    stderr,
    /^berth: pvc-2: cannot be migrated: .* kubectl patch pv pvc-2 --patch '\{"spec":.*\}'$/m,
  );
  assert.match(stderr, /^berth: 1 of 2 PersistentVolumes migrated, 1 cannot be$/m);
});

test('a Released volume is printed when asked for, without a claim and out of the reach of any', async (t) => {
  const volume = ofSubdirProvisioner({ name: 'pvc-1', status: { phase: 'Released' } });
  // A claim that was made again for the old volume waits for it, and has not got it.
  const waiting = claimOf({ name: 'pvc-1', metadata: { uid: 'another' } });
  const without = await migrate(t, list(volume, waiting));
  assert.deepEqual([without.exitCode, without.stdout], [0, '']);
  assert.match(without.stderr, /^berth: pvc-1: left out: it is Released: /);
  const { printed, exitCode } = await migrate(t, list(volume, waiting), '--released');
  assert.equal(exitCode, 0);
  assert.deepEqual(
    printed.map(({ kind, spec }) => [kind, spec.claimRef?.uid]),
    [['PersistentVolume', uid]],
  );
});

test('a claim that the input does not have is told, since it is to be deleted next', async (t) => {
  const { printed, exitCode, stderr } = await migrate(t, list(ofSubdirProvisioner({ name: 'pvc-1' })));
  assert.deepEqual([exitCode, printed.length], [0, 1]);
  assert.match(stderr, /^berth: pvc-1: its claim web\/data is not in the input, so it is not printed; /);
});

test('lists of the API itself, whose items do not say their kind, are read', async (t) => {
  const [{ kind: _, ...volume }, { kind: __, ...claim }] = [
    ofSubdirProvisioner({ name: 'pvc-1' }),
    claimOf({ name: 'pvc-1' }),
  ];
  const lists = [
    { kind: 'PersistentVolumeList', items: [volume] },
    { kind: 'PersistentVolumeClaimList', items: [claim] },
  ];
  const { printed, stderr } = await migrate(t, lists.map((each) => JSON.stringify(each)).join('\n'));
  assert.deepEqual(
    printed.map(({ metadata }) => metadata.name),
    ['pvc-1-berth', 'data'],
  );
  assert.equal(stderr, 'berth: 1 of 1 PersistentVolumes migrated, 0 cannot be');
});

test('objects without a PersistentVolume among them are refused', async (t) => {
  const { exitCode, stdout, stderr } = await migrate(t, list(claimOf({ name: 'pvc-1' })));
  assert.deepEqual([exitCode, stdout], [2, '']);
  assert.match(stderr, /^berth: standard input: 1 objects, and no PersistentVolume among them; /);
});

test('a volume that several documents have is printed once', async (t) => {
  const volume = ofSubdirProvisioner({ name: 'pvc-1' });
  const documents = `${list(volume)}\n${list(volume, claimOf({ name: 'pvc-1' }))}\n`;
  const { printed, exitCode, stderr } = await migrate(t, documents);
  assert.equal(exitCode, 0);
  assert.deepEqual(
    printed.map(({ metadata }) => metadata.name),
    ['pvc-1-berth', 'data'],
  );
  assert.equal(stderr, 'berth: 1 of 1 PersistentVolumes migrated, 0 cannot be');
});

test("in a driver's container it takes the driver's name and config, unless it is given others", async (t) => {
  const machine = await makeMachine(t);
  const driver = await machine.start({
    mode: 'controller',
    flags: ['--driver-name', 'x.example'],
    // As in a container, the driver is process 1.
    prefix: ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'],
  });
  const { pid } = driver.process;
  const process1 = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim();
  // The driver has read its own, with a pool that is no NFS export.
  const nfs = 'pools: { nas: { nfs: { server: 10.0.0.5, path: /export/k8s } } }\n';
  await writeFile(join(machine.directory, 'config.yaml'), nfs);
  const inContainer = async (...args: readonly string[]) => {
    const enter = ['--target', process1, '--pid', '--mount', '--', process.execPath, cli, 'migrate', ...args];
    const { stdout } = await execa('nsenter', enter, { input: list(ofSubdirProvisioner({ name: 'pvc-1' })) });
    return (parse(stdout) as Printed).spec.csi;
  };
  const own = await inContainer();
  assert.deepEqual([own.driver, own.volumeAttributes.pool], ['x.example', 'nas']);
  const config = join(machine.directory, 'mine.yaml');
  await writeFile(config, nfs.replace('nas', 'mine'));
  const given = await inContainer('--driver-name', 'y.example', '--config', config);
  assert.deepEqual([given.driver, given.volumeAttributes.pool], ['y.example', 'mine']);
});

test('flags reach the plan', async (t) => {
  const { printed, exitCode } = await migrate(
    t,
    list(
      ofSubdirProvisioner({ name: 'pvc-1', server: 'nas', provisioner: 'example.com/nfs' }),
      handWritten({ name: 'photos', path: '/export/k8s/photos' }),
    ),
    ...['--same-server', 'nas=nas.example.com', '--same-server', 'nas.example.com=10.0.0.5'],
    ...['--provisioner', 'example.com/nfs', '--hand-written', '--driver-name', 'csi.example.com'],
  );
  assert.equal(exitCode, 0);
  assert.deepEqual(
    printed.map(({ metadata, spec }) => [metadata.name, spec.csi.driver]),
    [
      ['pvc-1-berth', 'csi.example.com'],
      ['photos-berth', 'csi.example.com'],
    ],
  );
});

test('a wrong use ends with status 2, one line and nothing printed', async (t) => {
  const wrong: readonly [input: string, args: readonly string[], line: RegExp][] = [
    ['', [], /standard input: not JSON; give it what "kubectl get/],
    ['apiVersion: v1\n', [], /standard input: not JSON/],
    ['{}', ['--same-server', 'nas'], /--same-server nas: expected two names/],
    ['{}', ['--driver-name', 'a/b'], /--driver-name a\/b: expected/],
    ['{}', ['--config', '/nonexistent'], /--config \/nonexistent: there is no such file/],
    [
      list(
        ofSubdirProvisioner({ name: 'pvc-1' }),
        ofSubdirProvisioner({ name: 'pvc-1', path: '/export/k8s/a' }),
      ),
      [],
      /standard input: the PersistentVolume pvc-1 is there twice, and the two differ in spec\.nfs; give/,
    ],
    ['{}', ['extra'], /too many arguments for 'migrate'/],
  ];
  for (const [input, args, line] of wrong) {
    const { exitCode, stdout, stderr } = await migrate(t, input, ...args);
    assert.deepEqual([exitCode, stdout], [2, ''], stderr);
    assert.match(stderr, line);
    assert.equal(stderr.split('\n').length, 1, stderr);
  }
});
