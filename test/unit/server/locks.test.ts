import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { CsiError } from '../../../src/errors/csi-error.ts';
import type { Call } from '../../../src/server/call.ts';
import { locking } from '../../../src/server/locks.ts';

function call(method: string, request: Record<string, unknown>): Call {
  const service = method.startsWith('Node') ? 'Node' : 'Controller';
  return { path: `/csi.v1.${service}/${method}`, method, service, request };
}

/** Holds `first` while `second` tries; says what became of the second. */
async function meet(first: Call, second: Call): Promise<'ran' | 'aborted'> {
  const lines: string[] = [];
  const lock = locking(pino({ level: 'info' }, { write: (line: string) => lines.push(line) }));
  let finish = () => {};
  const held = lock(
    first,
    () =>
      new Promise((resolve) => {
        finish = () => resolve({});
      }),
  );
  try {
    await lock(second, async () => ({}));
    return 'ran';
  } catch (error) {
    assert.ok(error instanceof CsiError);
    assert.equal(error.code, 10);
    assert.match(error.message, new RegExp(`${first.method}, running for`));
    assert.match(lines.join(''), new RegExp(`"holder":"${first.method}"`));
    return 'aborted';
  } finally {
    finish();
    await held;
    await lock(second, async () => ({}));
  }
}

test('two calls for one volume exclude each other', async () => {
  const id = { volume_id: 'nas/pvc-1' };
  assert.equal(await meet(call('DeleteVolume', id), call('ControllerExpandVolume', id)), 'aborted');
});

test('a volume is the same by its name and by the id it gets', async () => {
  assert.equal(
    await meet(call('CreateVolume', { name: 'pvc-1' }), call('DeleteVolume', { volume_id: 'nas/pvc-1' })),
    'aborted',
  );
});

test('calls for different volumes run side by side', async () => {
  assert.equal(
    await meet(call('CreateVolume', { name: 'pvc-1' }), call('CreateVolume', { name: 'pvc-2' })),
    'ran',
  );
});

test('a volume is attached to many nodes side by side, but once at a time to one', async () => {
  const to = (node: string) => call('ControllerPublishVolume', { volume_id: 'nas/pvc-1', node_id: node });
  assert.equal(await meet(to('a'), to('b')), 'ran');
  assert.equal(await meet(to('a'), to('a')), 'aborted');
});

test('a volume is not deleted while it is being attached', async () => {
  const publish = call('ControllerPublishVolume', { volume_id: 'nas/pvc-1', node_id: 'a' });
  const remove = call('DeleteVolume', { volume_id: 'nas/pvc-1' });
  assert.equal(await meet(publish, remove), 'aborted');
  assert.equal(await meet(remove, publish), 'aborted');
});

test('pods of one volume are published side by side, but one target at a time', async () => {
  const at = (target: string) => call('NodePublishVolume', { volume_id: 'nas/pvc-1', target_path: target });
  assert.equal(await meet(at('/a'), at('/b')), 'ran');
  assert.equal(
    await meet(at('/a'), call('NodeUnpublishVolume', { volume_id: 'nas/pvc-1', target_path: '/a' })),
    'aborted',
  );
  assert.equal(await meet(at('/a'), call('NodeUnstageVolume', { volume_id: 'nas/pvc-1' })), 'aborted');
});

test('stats never wait for the lock', async () => {
  const id = { volume_id: 'nas/pvc-1' };
  assert.equal(await meet(call('NodeStageVolume', id), call('NodeGetVolumeStats', id)), 'ran');
});

test('the controller and the node side of one process do not exclude each other', async () => {
  const id = { volume_id: 'nas/pvc-1' };
  assert.equal(await meet(call('ControllerExpandVolume', id), call('NodeStageVolume', id)), 'ran');
});
