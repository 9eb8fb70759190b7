import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireGoTool } from '../setup/go-tools.ts';
import { objectsOf, template, theOnly, twoValues, type Workload } from './helm.ts';

const kinds = ['VolumeGroupSnapshotClass', 'VolumeSnapshotClass'];
const snapshots = ['--api-versions', 'snapshot.storage.k8s.io/v1'];
const groups = ['--api-versions', 'groupsnapshot.storage.k8s.io/v1'];
const controller = ['--set', 'snapshots.controller.enabled=true'];

for (const { what, flags, made, sidecar, gates } of [
  { what: 'without their kinds there are none', flags: groups, made: [], sidecar: false },
  {
    what: 'their kinds bring the sidecar and a class',
    flags: snapshots,
    made: kinds.slice(1),
    sidecar: true,
  },
  { what: 'groups have a class too', flags: [...snapshots, ...groups], made: kinds, sidecar: true },
  {
    what: 'they are left out where they are not wanted',
    flags: [...snapshots, ...groups, '--set', 'snapshots.enabled=false'],
    made: [],
    sidecar: false,
  },
  {
    what: 'a controller without groups looks for none',
    flags: [...snapshots, ...controller],
    made: kinds.slice(1),
    sidecar: true,
    gates: /,CSIVolumeGroupSnapshot=false$/,
  },
  {
    what: 'a controller with groups does',
    flags: [...snapshots, ...groups, ...controller],
    made: kinds,
    sidecar: true,
    gates: /=ReleaseLeaderElectionOnExit=true$/,
  },
]) {
  test(`snapshots: ${what}`, async (t) => {
    if (!(await requireGoTool(t, 'helm 4'))) return;
    const objects = objectsOf(await template([...twoValues, ...flags]));
    assert.deepEqual(
      objects
        .map(({ kind }) => kind)
        .filter((kind) => kinds.includes(kind))
        .sort(),
      made,
    );
    const { containers } = theOnly<Workload>(objects, 'StatefulSet').spec.template.spec;
    assert.equal(
      containers.some(({ name }) => name === 'snapshotter'),
      sidecar,
    );
    const rules = JSON.stringify(objects.filter(({ kind }) => kind === 'ClusterRole'));
    assert.equal(rules.includes('volumesnapshotcontents'), sidecar);
    assert.equal(rules.includes('volumegroupsnapshotcontents'), made.length === 2);
    const deployments = objects.filter(({ kind }) => kind === 'Deployment');
    assert.equal(deployments.length, gates === undefined ? 0 : 1);
    if (gates === undefined) return;
    const { args } = (deployments[0] as Workload).spec.template.spec.containers[0] ?? { args: [] };
    assert.match(args.find((arg) => arg.startsWith('--feature-gates=')) ?? '', gates);
  });
}
