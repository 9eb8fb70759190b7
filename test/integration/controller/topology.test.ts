import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused } from '../../csi/refused.ts';
import { capability, code, request } from '../../csi/requests.ts';
import { makeMachine } from '../../support/driver.ts';
import { waitFor } from '../../vm/guest/wait-for.ts';

const at = (node: string) => ({ segments: { 'topology.csi.berth.dev/node': node } });
const elsewhere = { requisite: [at('node-2')] };
const here = { requisite: [at('node-2'), at('node-1')], preferred: [at('node-2')] };

test('what is on a local pool is on its node, and cannot be asked for elsewhere', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start();
  const { Controller, Node } = csi;
  const { accessible_topology: own } = await Node.NodeGetInfo({});
  assert.deepEqual(own, at('node-1'));
  const asked = { ...request('pvc-1'), accessibility_requirements: elsewhere };
  assert.match(await refused(Controller.CreateVolume(asked), code.exhausted), /on the disk of a node/);
  const { volume } = await Controller.CreateVolume({ ...asked, accessibility_requirements: here });
  assert.deepEqual(volume?.accessible_topology, [at('node-1')]);
  const { entries } = await Controller.ListVolumes({});
  assert.deepEqual(entries[0]?.volume?.accessible_topology, [at('node-1')]);
  const snapshot = { name: 'snap', source_volume_id: 'scratch/pvc-1' };
  await refused(
    Controller.CreateSnapshot({ ...snapshot, accessibility_requirements: elsewhere }),
    code.exhausted,
  );
  const taken = await Controller.CreateSnapshot({ ...snapshot, accessibility_requirements: here });
  assert.deepEqual(taken.snapshot?.accessible_topology, [at('node-1')]);
  const capacity = { volume_capabilities: [capability()], parameters: {} };
  const there = await Controller.GetCapacity({ ...capacity, accessible_topology: at('node-2') });
  assert.equal(there.available_capacity, '0');
  const free = await Controller.GetCapacity({ ...capacity, accessible_topology: at('node-1') });
  assert.ok(Number(free.available_capacity) > 0);
});

test('a controller of its own goes by the nodes that have announced themselves on a local pool', async (t) => {
  const machine = await makeMachine(t);
  const { csi } = await machine.start({ mode: 'controller', name: 'controller' });
  await machine.start({ mode: 'node', name: 'node', nodeId: 'a node of a name that is no label' });
  const { Controller } = csi;
  await waitFor('the node has announced itself', async () => {
    const { volume } = await Controller.CreateVolume(request('pvc-1'));
    const [topology] = volume?.accessible_topology ?? [];
    return /^h-[0-9a-f]{40}$/.test(topology?.segments['topology.csi.berth.dev/node'] ?? '');
  });
});
