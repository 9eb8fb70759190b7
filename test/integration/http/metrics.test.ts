import assert from 'node:assert/strict';
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { refused } from '../../csi/refused.ts';
import { capability, code, request } from '../../csi/requests.ts';
import { type Driver, makeMachine } from '../../support/driver.ts';
import { repeatUnfinished } from '../../support/repeat-unfinished.ts';
import { scrape } from '../../support/scrape.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';
import { deadPool, withPools } from '../controller/local-pools.ts';

const anyPort = ['--http', '127.0.0.1:0'];

const calls = (method: string, status: string, driver = 'csi.berth.dev') =>
  `csi_plugin_operations_seconds_count{driver_name="${driver}",method_name="/csi.v1.${method}",grpc_status_code="${status}"}`;

const shows = (driver: Driver, sample: string, value: number) =>
  waitFor(`${sample} is ${value}`, async () => (await scrape(driver)).samples.get(sample) === value);

test('each call is counted with its method and status, refused ones included, and by its driver alone', async (t) => {
  const machine = await makeMachine(t);
  const driver = await machine.start({ flags: [...anyPort, '--driver-name', 'one.example'] });
  const other = await machine.start({ name: 'other', flags: [...anyPort, '--driver-name', 'two.example'] });
  const { Controller } = driver.csi;
  for (let count = 0; count < 3; count += 1) await Controller.CreateVolume(request('pvc-1'));
  await refused(Controller.CreateVolume({ name: 'pvc-2' }), code.invalid);
  await refused(
    Controller.ControllerPublishVolume({
      volume_id: 'scratch/none',
      node_id: 'node-1',
      volume_capability: capability('SINGLE_NODE_WRITER'),
    }),
    code.notFound,
  );
  const { samples } = await scrape(driver);
  const of = (method: string, status: string) =>
    samples.get(calls(`Controller/${method}`, status, 'one.example'));
  assert.equal(of('CreateVolume', 'OK'), 3);
  assert.equal(of('CreateVolume', 'InvalidArgument'), 1);
  assert.equal(of('ControllerPublishVolume', 'NotFound'), 1);
  assert.equal(samples.get('berth_calls_in_flight'), 0);
  const elsewhere = await scrape(other);
  assert.doesNotMatch(elsewhere.text, /CreateVolume|one\.example/);
});

test('a pool tells of its state, its size and what is on it', async (t) => {
  const machine = await makeMachine(t);
  const dead = await deadPool(machine, 'dead');
  const flags = [...(await withPools(machine, { dead: dead.path, scratch: machine.pool })), ...anyPort];
  const before = await machine.start({ mode: 'all', name: 'before' });
  await before.csi.Controller.CreateVolume(request('pvc-1'));
  await before.csi.Controller.CreateVolume(request('pvc-2'));
  await before.csi.Controller.ControllerPublishVolume({
    volume_id: 'scratch/pvc-1',
    node_id: 'node-1',
    volume_capability: capability('SINGLE_NODE_WRITER'),
  });
  const driver = await machine.start({ mode: 'controller', flags });
  await shows(driver, 'berth_pool_volumes{pool="scratch"}', 2);
  await shows(driver, 'berth_pool_attached_volumes{pool="scratch"}', 1);
  await shows(driver, 'berth_pool_nodes{pool="scratch"}', 1);
  await shows(driver, 'berth_pool_up{pool="scratch"}', 1);
  await shows(driver, 'berth_pool_up{pool="dead"}', 0);
  await shows(driver, 'berth_pool_breaker_open{pool="dead"}', 1);
  await shows(driver, 'berth_pool_failures_total{pool="dead"}', 1);
  const { samples } = await scrape(driver);
  const value = (name: string, pool: string) => samples.get(`berth_pool_${name}{pool="${pool}"}`);
  const { available_capacity } = await driver.csi.Controller.GetCapacity({ parameters: { pool: 'scratch' } });
  const available = value('available_bytes', 'scratch') ?? 0;
  assert.ok(Math.abs(available / Number(available_capacity) - 1) < 0.1, `${available} ${available_capacity}`);
  assert.ok((value('capacity_bytes', 'scratch') ?? 0) >= available);
  assert.ok((value('inodes', 'scratch') ?? 0) >= (value('inodes_free', 'scratch') ?? Infinity));
  assert.equal(value('breaker_open', 'scratch'), 0);
  assert.equal(value('operations_held', 'scratch'), 0);
  assert.equal(value('capacity_bytes', 'dead'), undefined, 'nothing is known of it');
  await dead.repair();
  await shows(driver, 'berth_pool_up{pool="dead"}', 1);
});

test('the trash tells of what waits and what was removed, and names no volume', async (t) => {
  const machine = await makeMachine(t);
  const driver = await machine.start({ mode: 'all', flags: anyPort });
  await driver.csi.Controller.CreateVolume(request('pvc-secret'));
  await writeFile(join(machine.pool, 'pvc-secret', 'file'), 'x');
  await driver.csi.Controller.DeleteVolume({ volume_id: 'scratch/pvc-secret' });
  await shows(driver, 'berth_trash_removed_total{pool="scratch"}', 1);
  await shows(driver, 'berth_trash_entries{pool="scratch"}', 0);
  const { text } = await scrape(driver);
  assert.doesNotMatch(text, /pvc-secret/);
  assert.ok(!text.includes(machine.directory));
});

test('an image that is replaced after a forced detach is counted', async (t) => {
  const machine = await makeMachine(t);
  const driver = await machine.start({ flags: anyPort });
  const { Controller } = driver.csi;
  const raw = { block: {}, access_mode: { mode: 'SINGLE_NODE_WRITER' } } as const;
  const volume = { volume_id: 'scratch/pvc-1', volume_capability: raw };
  await Controller.CreateVolume({ name: 'pvc-1', volume_capabilities: [raw] });
  await Controller.ControllerPublishVolume({ ...volume, node_id: 'node-1' });
  // As the node does when it begins to write.
  const folder = join(machine.pool, '.berth/volumes/+pvc-1');
  await rename(join(folder, 'single,node-1'), join(folder, 'used,12345678,node-1'));
  await Controller.ControllerUnpublishVolume({ volume_id: volume.volume_id, node_id: 'node-1' });
  await symlink('{"v":1,"node":"node-2","max":0}', join(machine.pool, '.berth/nodes/node-2'));
  await shows(driver, 'berth_images_replaced_total{pool="scratch"}', 0);
  await repeatUnfinished(() => Controller.ControllerPublishVolume({ ...volume, node_id: 'node-2' }));
  await shows(driver, 'berth_images_replaced_total{pool="scratch"}', 1);
});

test('a node tells of the mounts of its volumes and of its announcement', async (t) => {
  const machine = await makeMachine(t);
  const node = await machine.start({ mode: 'node', name: 'node', flags: anyPort });
  await shows(node, 'berth_node_announced{pool="scratch"}', 0);
  const controller = await machine.start({ mode: 'controller', name: 'controller' });
  await controller.csi.Controller.CreateVolume(request('pvc-1'));
  await shows(node, 'berth_node_announced{pool="scratch"}', 1);
  const [staging, target] = [join(machine.directory, 'staging'), join(machine.directory, 'target')];
  await mkdir(staging);
  const volume = {
    volume_id: 'scratch/pvc-1',
    staging_target_path: staging,
    volume_capability: capability('SINGLE_NODE_MULTI_WRITER'),
    volume_context: { pool: 'scratch', subDir: 'pvc-1' },
  };
  const { Node } = node.csi;
  await Node.NodeStageVolume(volume);
  await Node.NodePublishVolume({ ...volume, target_path: target });
  await refused(
    Node.NodePublishVolume({
      ...volume,
      target_path: `${target}-2`,
      volume_context: { pool: 'scratch', subDir: 'none' },
    }),
    code.notFound,
  );
  for (let call = 0; call < 2; call += 1) {
    await Node.NodeUnpublishVolume({ volume_id: volume.volume_id, target_path: target });
  }
  const { samples } = await scrape(node);
  const mounts = (operation: string, result: string) =>
    samples.get(`berth_volume_mount_seconds_count{operation="${operation}",result="${result}"}`);
  assert.equal(mounts('mount', 'ok'), 1);
  assert.equal(mounts('mount', 'error'), 1);
  assert.equal(mounts('unmount', 'ok'), 1, 'a repeated unpublish finds nothing to unmount');
  assert.equal(samples.get(calls('Node/NodePublishVolume', 'NotFound')), 1);
});

test('the build and the process are told of', async (t) => {
  const machine = await makeMachine(t);
  const driver = await machine.start({ mode: 'controller', flags: anyPort });
  const { samples, text } = await scrape(driver);
  assert.match(text, /^berth_build_info\{version="\d+\.\d+\.\d+",mode="controller",node_version="\d+\./m);
  assert.ok((samples.get('process_resident_memory_bytes') ?? 0) > 10e6);
  assert.ok((samples.get('process_cpu_seconds_total') ?? 0) > 0);
  assert.ok((samples.get('berth_event_loop_lag_seconds') ?? -1) >= 0);
  const start = samples.get('process_start_time_seconds') ?? 0;
  assert.ok(start < Date.now() / 1000 && start > Date.now() / 1000 - 120);
});
