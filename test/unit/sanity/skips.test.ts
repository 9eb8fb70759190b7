import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingCapability } from '../../sanity/skips.ts';

const capabilityFor = (name: string) => missingCapability({ name, message: 'not supported' });

test('a spec of a capability that is not there yet may be skipped, with that as its reason', () => {
  const controller = '[Controller Server]';
  assert.equal(capabilityFor(`ListSnapshots ${controller} should return appropriate values`), 'snapshots');
  assert.equal(
    capabilityFor(
      `Controller Service ${controller} CreateVolume should fail when the volume source volume is not found`,
    ),
    'clone',
  );
  assert.equal(
    capabilityFor(
      'GroupController Service [GroupController VolumeGroupSnapshots] GetVolumeGroupSnapshot should fail',
    ),
    'group snapshots',
  );
});

test('any other spec may not be skipped, whatever words are in its name', () => {
  for (const name of [
    'Node Service NodePublishVolume should work with block volume',
    'Controller Service [Controller Server] CreateVolume should return appropriate values (no optional values added)',
    'Controller Service [Controller Server] CreateVolume should not clone a snapshot of the topology',
    'ExpandVolume [Controller Server] should work on a volume made from a source volume or snapshot',
    'Node Service should work with accessibility requirements',
  ]) {
    assert.equal(capabilityFor(name), undefined, name);
  }
});
