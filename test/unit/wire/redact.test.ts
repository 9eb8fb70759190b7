import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageInfo, methodInfo, methodPaths } from '../../../src/wire/descriptor.ts';
import { redact, redactRequest } from '../../../src/wire/redact.ts';
import { arriving } from './arriving.ts';

test('a secret map keeps its keys and loses its values', () => {
  const request = { volume_id: 'v', secrets: { user: 'anna', password: 'hunter2' } };
  assert.deepEqual(redact('csi.v1.DeleteVolumeRequest', request), {
    volume_id: 'v',
    secrets: { user: '***stripped***', password: '***stripped***' },
  });
});

test('the request itself is left as it was', () => {
  const mount = { mount_flags: ['password=hunter2'] };
  const request = { secrets: { a: 'b' }, volume_capabilities: [{ mount }] };
  redact('csi.v1.CreateVolumeRequest', request);
  assert.deepEqual(request, {
    secrets: { a: 'b' },
    volume_capabilities: [{ mount: { mount_flags: ['password=hunter2'] } }],
  });
});

test('mount flags are stripped wherever a capability is, in requests and in answers', () => {
  const capability = { mount: { fs_type: 'xfs', mount_flags: ['password=hunter2', 'ro'] } };
  const expected = { mount: { fs_type: 'xfs', mount_flags: ['***stripped***', '***stripped***'] } };
  assert.deepEqual(redact('csi.v1.NodeStageVolumeRequest', { volume_capability: capability }), {
    volume_capability: expected,
  });
  assert.deepEqual(
    redact('csi.v1.ValidateVolumeCapabilitiesResponse', { confirmed: { volume_capabilities: [capability] } }),
    { confirmed: { volume_capabilities: [expected] } },
  );
});

test('a message that cannot hold a secret is not copied', () => {
  const request = { volume_id: 'v', target_path: '/t' };
  assert.equal(redact('csi.v1.NodeUnpublishVolumeRequest', request), request);
});

test('no value of any field that the contract marks as secret survives, in any request', () => {
  let marked = 0;
  for (const path of methodPaths()) {
    const { request = '' } = methodInfo(path) ?? {};
    for (const field of messageInfo(request).fields.filter((field) => field.secret)) {
      marked++;
      const redacted = redact(request, arriving(path, { [field.name]: { key: 'hunter2' } }));
      assert.match(JSON.stringify(redacted), /"key":"\*\*\*stripped\*\*\*"/, path);
      assert.doesNotMatch(JSON.stringify(redacted), /hunter2/, path);
    }
  }
  assert.ok(marked >= 15, `only ${marked} fields are marked`);
});

test('by method, the request message is found, and a foreign request leaves nothing', () => {
  const request = { volume_id: 'v', secrets: { key: 'hunter2' } };
  assert.deepEqual(redactRequest('/csi.v1.Controller/DeleteVolume', request), {
    volume_id: 'v',
    secrets: { key: '***stripped***' },
  });
  assert.deepEqual(redactRequest('/other.Service/Call', request), {});
});
