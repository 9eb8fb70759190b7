import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CsiClient } from '../../csi/client.ts';
import { refused } from '../../csi/refused.ts';
import { capability, code, request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';

interface Asked {
  readonly volume_context?: Record<string, string>;
  readonly parameters?: Record<string, string>;
  readonly mutable_parameters?: Record<string, string>;
}

function validate(csi: CsiClient, volume_id: string, asked: Asked, capabilities = [capability()]) {
  return csi.Controller.ValidateVolumeCapabilities({
    volume_id,
    volume_capabilities: capabilities,
    ...asked,
  });
}

async function confirms(csi: CsiClient, id: string, asked: Asked): Promise<void> {
  const { confirmed, message } = await validate(csi, id, asked);
  assert.equal(message, '');
  assert.deepEqual(confirmed?.volume_context, asked.volume_context ?? {});
  assert.deepEqual(confirmed?.parameters, asked.parameters ?? {});
  assert.deepEqual(confirmed?.mutable_parameters, asked.mutable_parameters ?? {});
  assert.equal(confirmed?.volume_capabilities.length, 1);
}

async function objects(csi: CsiClient, id: string, asked: Asked, why: RegExp): Promise<void> {
  const { confirmed, message } = await validate(csi, id, asked);
  assert.equal(confirmed, null);
  assert.match(message, why);
}

const parameters = {
  pool: 'scratch',
  subDir: '${pvc.metadata.namespace}/data',
  onDelete: 'archive',
  mode: '0750',
  uid: '1000',
  gid: '1001',
  'csi.storage.k8s.io/pvc/namespace': 'shop',
};

test('what a volume was made with is confirmed, and anything else is not', async (t) => {
  const { csi } = await (await makeMachine(t)).start();
  const { volume } = await csi.Controller.CreateVolume(request('pvc-1', parameters));
  const id = volume?.volume_id ?? '';
  await confirms(csi, id, {});
  await confirms(csi, id, { parameters: { ...parameters, mode: '750' } });
  await confirms(csi, id, { volume_context: { pool: 'scratch', subDir: 'shop/data', other: 'x' } });
  for (const [key, value] of Object.entries({
    pool: 'other',
    subDir: '${pvc.metadata.namespace}/other',
    onDelete: 'delete',
    mode: '0777',
    uid: '0',
    gid: '0',
  })) {
    await objects(
      csi,
      id,
      { parameters: { ...parameters, [key]: value } },
      new RegExp(`differs .*: ${key}\\.$`),
    );
  }
  await objects(csi, id, { parameters: { onDelete: 'delete', mode: '0777' } }, /: onDelete, mode\.$/);
  await objects(csi, id, { parameters: { server: 'x' } }, /name the pool with "pool"/);
  await objects(csi, id, { parameters: { subDir: '${pvc.metadata.name}' } }, /does not carry/);
  const other = { volume_context: { subDir: 'elsewhere' } };
  assert.match(await refused(validate(csi, id, other), code.invalid), /attributes name another/);
  const { confirmed, message } = await validate(csi, id, {}, [capability('MULTI_NODE_SINGLE_WRITER')]);
  assert.equal(confirmed, null);
  assert.match(message, /MULTI_NODE_SINGLE_WRITER is not served/);
  await refused(validate(csi, 'scratch/pvc-2', {}), code.notFound);
});

test('a mutable parameter is confirmed while the volume has that value', async (t) => {
  const { csi } = await (await makeMachine(t)).start();
  const made = { ...request('pvc-1', { onDelete: 'archive' }), mutable_parameters: { onDelete: 'retain' } };
  await csi.Controller.CreateVolume(made);
  const id = 'scratch/pvc-1';
  const both = { parameters: made.parameters, mutable_parameters: made.mutable_parameters };
  await confirms(csi, id, both);
  await objects(csi, id, { mutable_parameters: { onDelete: 'archive' } }, /: onDelete\.$/);
  await objects(csi, id, { mutable_parameters: { onDelete: 'shred' } }, /"onDelete" has a value/);
  await objects(csi, id, { mutable_parameters: { mode: '0700' } }, /"mode" cannot be changed/);
  await csi.Controller.ControllerModifyVolume({ volume_id: id, mutable_parameters: { onDelete: 'delete' } });
  await confirms(csi, id, { mutable_parameters: { onDelete: 'delete' } });
  await objects(csi, id, both, /: onDelete\.$/);
});

test('of a static volume nothing is confirmed but where it is', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  await mkdir(join(machine.pool, 'legacy'));
  const volume_context = { pool: 'scratch', subDir: 'legacy' };
  await confirms(csi, 'by-hand', { volume_context, parameters: volume_context });
  for (const [key, value] of Object.entries({
    subDir: 'x',
    pool: 'x',
    mode: '0755',
    uid: '0',
    onDelete: 'retain',
  })) {
    await objects(
      csi,
      'by-hand',
      { volume_context, parameters: { [key]: value } },
      new RegExp(`: ${key}\\.$`),
    );
  }
  await objects(
    csi,
    'by-hand',
    { volume_context, mutable_parameters: { onDelete: 'retain' } },
    /: onDelete\.$/,
  );
});
