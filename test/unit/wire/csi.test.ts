import assert from 'node:assert/strict';
import { test } from 'node:test';
import { services } from '../../../src/wire/csi.ts';
import { methodPaths } from '../../../src/wire/descriptor.ts';
import { arriving } from './arriving.ts';

test('the definitions and the descriptor know the same methods', () => {
  const defined = Object.values(services).flatMap((service) =>
    Object.values(service).map((method) => method.path),
  );
  assert.deepEqual(defined.sort(), methodPaths().sort());
});

test('a request is decoded with every field set, messages that were not sent as null', () => {
  assert.deepEqual(arriving('/csi.v1.Controller/ControllerExpandVolume', { volume_id: 'v' }), {
    volume_id: 'v',
    capacity_range: null,
    secrets: {},
    volume_capability: null,
  });
});

test('a oneof is decoded to the member that was sent and its name', () => {
  const request = arriving('/csi.v1.Node/NodeStageVolume', { volume_capability: { block: {} } });
  assert.deepEqual('volume_capability' in request && request.volume_capability, {
    access_type: 'block',
    block: {},
    access_mode: null,
  });
});

test('a size beyond what a number can hold arrives exactly', () => {
  const request = arriving('/csi.v1.Controller/CreateVolume', {
    capacity_range: { required_bytes: '9007199254740993' },
  });
  assert.deepEqual('capacity_range' in request && request.capacity_range, {
    required_bytes: '9007199254740993',
    limit_bytes: '0',
  });
});
