import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { CsiError } from '../../../src/errors/csi-error.ts';
import { requiredFields } from '../../../src/server/required-fields.ts';
import { validateRequest } from '../../../src/server/validate.ts';
import { messageInfo, methodInfo, methodPaths } from '../../../src/wire/descriptor.ts';
import { arriving } from '../wire/arriving.ts';

const capability = { mount: {}, access_mode: { mode: 'SINGLE_NODE_WRITER' } } as const;
const createVolume = { name: 'pvc-1', volume_capabilities: [capability] };
const stage = { volume_id: 'nas/pvc-1', staging_target_path: '/stage', volume_capability: capability };

/** The sentence with which a request is refused; undefined if it passes. */
function refusal(methodPath: string, request: object): string | undefined {
  try {
    validateRequest(methodPath, arriving(methodPath, request));
    return undefined;
  } catch (error) {
    assert.ok(error instanceof CsiError);
    assert.equal(error.code, status.INVALID_ARGUMENT);
    assert.equal(error.reason, 'request-invalid');
    return error.message;
  }
}

function refusalOfCreate(fields: object): string | undefined {
  return refusal('/csi.v1.Controller/CreateVolume', { ...createVolume, ...fields });
}

test('every field in the table of required fields exists in the contract', () => {
  for (const [message, names] of Object.entries(requiredFields)) {
    const { fields, oneofs } = messageInfo(message);
    const known = [...oneofs, ...fields.map((field) => field.name)];
    for (const name of names) assert.ok(known.includes(name), `${message}.${name}`);
  }
});

test('an empty request is refused by every method that needs a field, with the name of that field', () => {
  for (const path of methodPaths()) {
    const method = methodInfo(path);
    assert.ok(method);
    const missing = refusal(path, {});
    const required = requiredFields[method.request] ?? [];
    if (required.length === 0) assert.equal(missing, undefined, path);
    else
      assert.ok(
        required.some((name) => missing?.startsWith(`${method.name}: the field ${name} is required`)),
        path,
      );
  }
});

test('each required field is asked for when it alone is missing', () => {
  const path = '/csi.v1.Node/NodeStageVolume';
  assert.equal(refusal(path, stage), undefined);
  for (const name of ['volume_id', 'staging_target_path', 'volume_capability']) {
    assert.equal(
      refusal(path, { ...stage, [name]: undefined }),
      `NodeStageVolume: the field ${name} is required but was not sent. Set it.`,
    );
  }
});

test('a capability needs an access type and a mode that this version of CSI defines', () => {
  const access_mode = capability.access_mode;
  assert.match(
    refusalOfCreate({ volume_capabilities: [capability, { access_mode }] }) ?? '',
    /volume_capabilities\[1\]\.access_type is required/,
  );
  assert.match(
    refusalOfCreate({ volume_capabilities: [{ block: {} }] }) ?? '',
    /volume_capabilities\[0\]\.access_mode is required/,
  );
  assert.match(
    refusalOfCreate({ volume_capabilities: [{ block: {}, access_mode: {} }] }) ?? '',
    /access_mode\.mode is required/,
  );
  assert.match(
    refusalOfCreate({ volume_capabilities: [{ block: {}, access_mode: { mode: 99 } }] }) ?? '',
    /mode has the value 99/,
  );
});

test('a content source needs a type and an id', () => {
  assert.match(
    refusalOfCreate({ volume_content_source: {} }) ?? '',
    /volume_content_source\.type is required/,
  );
  assert.match(
    refusalOfCreate({ volume_content_source: { volume: {} } }) ?? '',
    /volume_content_source\.volume\.volume_id is required/,
  );
  assert.equal(refusalOfCreate({ volume_content_source: { snapshot: { snapshot_id: 's' } } }), undefined);
});

test('a string may have 128 bytes of UTF-8 and no more', () => {
  assert.equal(refusalOfCreate({ name: 'a'.repeat(128) }), undefined);
  assert.equal(refusalOfCreate({ name: 'ä'.repeat(64) }), undefined);
  assert.equal(
    refusalOfCreate({ name: 'ä'.repeat(100) }),
    'CreateVolume: the field name is 200 bytes long; at most 128 are allowed. Shorten it.',
  );
  assert.match(
    refusal('/csi.v1.GroupController/CreateVolumeGroupSnapshot', {
      name: 'g',
      source_volume_ids: ['a', 'b'.repeat(129)],
    }) ?? '',
    /source_volume_ids\[1\] is 129 bytes long/,
  );
});

test('a node id may have 256 bytes', () => {
  const publish = { volume_id: 'v', volume_capability: capability };
  const path = '/csi.v1.Controller/ControllerPublishVolume';
  assert.equal(refusal(path, { ...publish, node_id: 'n'.repeat(256) }), undefined);
  assert.match(
    refusal(path, { ...publish, node_id: 'n'.repeat(257) }) ?? '',
    /node_id is 257 bytes long; at most 256/,
  );
});

test('a path may be as long as the kernel takes it: 4095 bytes, and 255 in each part', () => {
  const path = '/csi.v1.Node/NodeStageVolume';
  const long = '/p'.repeat(2047);
  assert.equal(refusal(path, { ...stage, staging_target_path: `${long}/` }), undefined);
  assert.match(refusal(path, { ...stage, staging_target_path: `${long}/p` }) ?? '', /4096 bytes long/);
  assert.equal(refusal(path, { ...stage, staging_target_path: `/${'p'.repeat(255)}/x` }), undefined);
  assert.match(
    refusal(path, { ...stage, staging_target_path: `/${'ä'.repeat(128)}/x` }) ?? '',
    /a part of more than 255 bytes/,
  );
});

test('a map may have 4096 bytes over its keys and values, each as long as it likes', () => {
  assert.equal(refusalOfCreate({ parameters: { key: 'v'.repeat(4093) } }), undefined);
  assert.match(
    refusalOfCreate({ parameters: { key: 'v'.repeat(4094) } }) ?? '',
    /parameters is 4097 bytes long/,
  );
});

test('the mount flags together may have 4096 bytes', () => {
  const withFlags = (mount_flags: string[]) =>
    refusalOfCreate({ volume_capabilities: [{ ...capability, mount: { mount_flags } }] });
  assert.equal(withFlags(['f'.repeat(200), 'g'.repeat(3896)]), undefined);
  assert.match(withFlags(['f'.repeat(200), 'g'.repeat(3897)]) ?? '', /mount\.mount_flags is 4097 bytes long/);
});

test('any Unicode but control characters is allowed in a name, and tabs and line ends are not among those', () => {
  assert.equal(refusalOfCreate({ name: 'Ж-日本-🚢 \t\r\n' }), undefined);
  for (const code of [0x00, 0x08, 0x0b, 0x0c, 0x0e, 0x1f, 0x7f, 0x9f]) {
    const hex = code.toString(16).toUpperCase().padStart(4, '0');
    assert.equal(
      refusalOfCreate({ name: `a${String.fromCharCode(code)}b` }),
      `CreateVolume: the field name contains the control character U+${hex}. Remove it.`,
    );
  }
  assert.match(
    refusalOfCreate({ parameters: { pool: 'a\u0000' } }) ?? '',
    /parameters contains the control character U\+0000/,
  );
});

test('a secret may hold any character, and what is said of it does not quote it', () => {
  assert.equal(refusalOfCreate({ secrets: { key: 'a\u0000\u0001' } }), undefined);
  const message = refusalOfCreate({ secrets: { key: 'hunter2'.repeat(600) } }) ?? '';
  assert.match(message, /secrets is 4203 bytes long/);
  assert.doesNotMatch(message, /hunter2/);
});

test('a target or staging path must be absolute', () => {
  assert.equal(
    refusal('/csi.v1.Node/NodeUnpublishVolume', { volume_id: 'v', target_path: 'some/path' }),
    'NodeUnpublishVolume: the field target_path is not an absolute path. Give one that starts with /.',
  );
  assert.match(
    refusal('/csi.v1.Node/NodeStageVolume', { ...stage, staging_target_path: 'stage' }) ?? '',
    /absolute/,
  );
});

test('a target or staging path must be one that can be a mount point', () => {
  const publish = { ...stage, target_path: '/target' };
  const wrong = [
    'relative/path',
    '/',
    '//',
    '/.',
    '/./',
    '/a/../b',
    '/..',
    'some\0where',
    '/a\0b',
    '/x/'.repeat(2000),
  ];
  assert.equal(refusal('/csi.v1.Node/NodePublishVolume', publish), undefined);
  for (const path of wrong) {
    const target = { volume_id: 'v', target_path: path };
    const staging = { volume_id: 'v', staging_target_path: path };
    assert.match(refusal('/csi.v1.Node/NodePublishVolume', { ...publish, ...target }) ?? '', /target_path/);
    assert.match(
      refusal('/csi.v1.Node/NodePublishVolume', { ...publish, ...staging }) ?? '',
      /staging_target/,
    );
    assert.match(refusal('/csi.v1.Node/NodeUnpublishVolume', target) ?? '', /field target_path/);
    assert.match(
      refusal('/csi.v1.Node/NodeStageVolume', { ...stage, ...staging }) ?? '',
      /staging_target_path/,
    );
    assert.match(refusal('/csi.v1.Node/NodeUnstageVolume', staging) ?? '', /staging_target_path/);
  }
});

test('a publish without a staging path reaches the handler, which says what is to be done first', () => {
  const request = { ...stage, staging_target_path: '', target_path: '/target' };
  assert.equal(refusal('/csi.v1.Node/NodePublishVolume', request), undefined);
});

test('a relative volume path reaches the handler, which looks the volume up first', () => {
  const request = { volume_id: 'v', volume_path: 'some/path' };
  assert.equal(refusal('/csi.v1.Node/NodeGetVolumeStats', request), undefined);
  assert.equal(refusal('/csi.v1.Node/NodeExpandVolume', request), undefined);
  const health = { volume_id: 'v', volume_publish_path: 'some/path' };
  assert.equal(refusal('/csi.v1.Node/NodeGetVolumeHealth', health), undefined);
});

test('a negative size or count is refused', () => {
  assert.match(
    refusalOfCreate({ capacity_range: { required_bytes: '-1' } }) ?? '',
    /capacity_range\.required_bytes is negative/,
  );
  assert.match(
    refusal('/csi.v1.Controller/ListVolumes', { max_entries: -1 }) ?? '',
    /max_entries is negative/,
  );
});

test('group snapshots may be named without their members, as csi-sanity does', () => {
  assert.equal(
    refusal('/csi.v1.GroupController/GetVolumeGroupSnapshot', { group_snapshot_id: 'g' }),
    undefined,
  );
  assert.equal(
    refusal('/csi.v1.GroupController/DeleteVolumeGroupSnapshot', { group_snapshot_id: 'g' }),
    undefined,
  );
});

test('a method that is not one of CSI is not judged', () => {
  validateRequest('/pluginregistration.Registration/GetInfo', {});
});
