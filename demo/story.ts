import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNfs, type Mount } from '../src/host/mountinfo.ts';
import { waitFor } from '../test/vm/guest/wait-for.ts';
import type { Narrator } from './narrator.ts';
import { attach, capability, createVolume, detach, Pod, type Volume } from './pod.ts';
import { rawBlock } from './raw-block.ts';
import type { World, WorldNode, WorldServer } from './world.ts';

const failedPrecondition = 9;
const unavailable = 14;

/** Tells what Berth does, on a driver that runs. */
export async function tellStory(tell: Narrator, world: World): Promise<void> {
  await tell.step('The nodes announce themselves on the pool', async () => {
    for (const { id } of Object.values(world.nodes)) {
      const record = join(world.tree, '.berth/nodes', id);
      await tell.does(`the record of node ${id} appears`, () =>
        waitFor(`the record of node ${id}`, () => readdirSync(join(record, '..')).includes(id)),
      );
    }
  });
  const photos = await twoNodesShare(tell, world);
  const database = await oneWriter(tell, world);
  await expand(tell, world, database);
  await archive(tell, world, database);
  await rawBlock(tell, world);
  if (world.server === undefined) {
    tell.says('', 'The next step, a server that is cut off, needs a server: it is told in the VM only.');
  } else {
    await cutOff(tell, world, world.server, photos);
  }
  await cleanUp(tell, world, photos);
}

async function twoNodesShare(tell: Narrator, world: World): Promise<Pod[]> {
  const { a, b } = world.nodes;
  const pods: Pod[] = [];
  await tell.step('A ReadWriteMany volume: written on one node, read on the other', async () => {
    tell.says('Two pods on two nodes have one directory of the pool.');
    const photos = await tell.does('CreateVolume photos, 1 GiB', () =>
      createVolume(world, world.pool, 'photos', 'ReadWriteMany'),
    );
    tell.proves(`${world.treeName} has the directory photos`, existsSync(join(world.tree, 'photos')));
    for (const node of [a, b]) {
      const pod = new Pod(node, photos, 'album');
      pods.push(pod);
      await tell.does(`ControllerPublishVolume: attach it to node ${node.id}`, () =>
        attach(world, photos, node),
      );
      await tell.does(`NodeStageVolume, NodePublishVolume: a pod on node ${node.id}`, () => pod.start());
      showMount(tell, pod);
    }
    const [onA, onB] = pods as [Pod, Pod];
    await tell.does('the pod on node a writes a file', () => onA.write('greeting', 'hello from node a'));
    const read = await tell.does('the pod on node b reads it', () => onB.read('greeting'));
    tell.proves('node b reads "hello from node a"', read, 'hello from node a');

    const second = new Pod(a, photos, 'gallery');
    pods.push(second);
    await tell.does('a second pod on node a, with the same volume', () => second.start());
    showMount(tell, second);
    if (world.server !== undefined) {
      const own = a.mounts().filter((mount) => isNfs(mount) && !mount.mountPoint.startsWith(a.directory));
      tell.proves('node a has mounted the pool once; the pods have binds out of it', `${own.length}`, '1');
    }
  });
  return pods;
}

async function oneWriter(tell: Narrator, world: World): Promise<Volume> {
  const { a, b } = world.nodes;
  let volume: Volume | undefined;
  await tell.step('A ReadWriteOnce volume: one node at a time', async () => {
    tell.says('NFS itself would let every node write. Berth notes on the pool who has the volume.');
    const database = await tell.does('CreateVolume database, onDelete: archive', () =>
      createVolume(world, world.pool, 'database', 'ReadWriteOnce', { onDelete: 'archive' }),
    );
    volume = database;
    await tell.does('attach it to node a', () => attach(world, database, a));
    const first = new Pod(a, database, 'postgres');
    await tell.does('a pod on node a', () => first.start());
    await tell.does('it writes', () => first.write('row', '42'));
    await tell.isRefused('attach it to node b: refused', failedPrecondition, () =>
      attach(world, database, b),
    );
    await tell.does('the pod on node a ends', () => first.end({ last: true }));
    tell.proves('its target path is no mount any more', first.mounted() === undefined);
    await tell.does('ControllerUnpublishVolume: detach it from node a', () => detach(world, database, a));
    await tell.does('attach it to node b', () => attach(world, database, b));
    const next = new Pod(b, database, 'postgres');
    await tell.does('a pod on node b', () => next.start());
    tell.proves('it finds what the first one wrote', await next.read('row'), '42');
    await tell.does('the pod on node b ends', () => next.end({ last: true }));
  });
  if (volume === undefined) throw new Error('there is no volume');
  return volume;
}

async function expand(tell: Narrator, { controller }: World, volume: Volume): Promise<void> {
  await tell.step('Expand it', async () => {
    const { capacity_bytes: answer } = await tell.does('ControllerExpandVolume database, 5 GiB', () =>
      controller.Controller.ControllerExpandVolume({
        volume_id: volume.id,
        capacity_range: { required_bytes: String(5 * 1024 ** 3) },
        volume_capability: capability(volume),
      }),
    );
    tell.proves('the answer is 5 GiB', answer, String(5 * 1024 ** 3));
    const { entries } = await tell.does('ListVolumes', () => controller.Controller.ListVolumes({}));
    const listed = entries.find((entry) => entry.volume?.volume_id === volume.id)?.volume?.capacity_bytes;
    tell.proves('the list says so too', String(listed), answer);
    tell.says('A directory has no size of its own: it is recorded and reported, not enforced.');
  });
}

async function archive(tell: Narrator, world: World, volume: Volume): Promise<void> {
  const { controller, nodes, tree, treeName } = world;
  const remove = () => controller.Controller.DeleteVolume({ volume_id: volume.id });
  await tell.step('Delete it; its data is archived', async () => {
    tell.says('onDelete: archive keeps the data of a deleted volume.');
    await tell.isRefused('DeleteVolume database while it is attached: refused', failedPrecondition, remove);
    await tell.does('detach it from node b', () => detach(world, volume, nodes.b));
    await tell.does('DeleteVolume database', remove);
    tell.proves('the directory database is gone', !existsSync(join(tree, 'database')));
    const folder = join(tree, '.berth/archive');
    const entry = readdirSync(folder).find(
      (name) => name.startsWith('database-') && !name.endsWith('.record'),
    );
    tell.proves('there is an entry for it in the archive', entry !== undefined);
    const path = join(folder, String(entry), 'row');
    tell.proves('it has the data', readFileSync(path, 'utf8'), '42');
    tell.shows(`.berth/archive/${entry}/row on ${treeName}`);
  });
}

async function cutOff(tell: Narrator, world: World, server: WorldServer, pods: Pod[]): Promise<void> {
  const { pool, otherPool } = world;
  const [onA, onB] = pods as [Pod, Pod];
  const create = () => createVolume(world, pool, 'videos', 'ReadWriteMany');
  await tell.step('The server is cut off: its packets vanish', async () => {
    tell.says('A call to a dead NFS server hangs. It must not take the driver, or the other pools, with it.');
    await server.cut();
    await tell.isRefused('CreateVolume videos: the first call finds out', unavailable, create);
    await tell.isRefused('CreateVolume videos: the next one fails at once', unavailable, create);
    await tell.does(`CreateVolume on the pool ${otherPool}, whose server lives`, () =>
      createVolume(world, otherPool, 'elsewhere', 'ReadWriteMany'),
    );
    const { ready } = await tell.does('Probe', () => world.controller.Identity.Probe({}));
    tell.proves('the driver is ready', ready?.value === true);
    await tell.does('a pod on node b, with files on the dead server, ends', () => onB.end({ last: true }));
    tell.proves('the mount table of node b shows its target path no more', onB.mounted() === undefined);
  });
  await tell.step('The server is back', async () => {
    tell.says('Nobody restarts anything.');
    await server.restore();
    await tell.does('the same CreateVolume, repeated until it works', () =>
      waitFor('CreateVolume works again', async () => (await create()).id !== '', 90_000),
    );
    tell.proves(`${world.treeName} has the directory videos`, existsSync(join(world.tree, 'videos')));
    const text = await tell.does('the pod on node a, which was left alone, reads', () =>
      onA.read('greeting'),
    );
    tell.proves('it reads what it wrote', text, 'hello from node a');
    await tell.does('the pod on node b starts again', () => onB.start());
    tell.proves('it reads the same', await onB.read('greeting'), 'hello from node a');
  });
}

async function cleanUp(tell: Narrator, world: World, pods: Pod[]): Promise<void> {
  const { controller, nodes } = world;
  await tell.step('All pods end; the volume is deleted', async () => {
    const [onA, onB, second] = pods as [Pod, Pod, Pod];
    await tell.does('the pods end', async () => {
      await second.end({ last: false });
      await onA.end({ last: true });
      await onB.end({ last: true });
    });
    for (const node of [nodes.a, nodes.b]) {
      tell.proves(`node ${node.id} has no mount of Berth's left`, leftOn(node).join(', '), '');
      await detach(world, onA.volume, node);
    }
    await tell.does('DeleteVolume photos', () =>
      controller.Controller.DeleteVolume({ volume_id: onA.volume.id }),
    );
    tell.proves('the directory photos is gone', !existsSync(join(world.tree, 'photos')));
    const trash = join(world.tree, '.berth/trash');
    await tell.does('its bytes go in the background', () =>
      waitFor('the trash is empty', () => readdirSync(trash).length === 0),
    );
    const ended = await tell.does('the driver drains and ends', () => world.stop());
    tell.proves('every process ended with status 0', ended);
  });
}

/** What Berth has mounted on a node: targets, and pools. */
function leftOn(node: WorldNode): string[] {
  return node
    .mounts()
    .filter(({ fsType, mountPoint }) => fsType.startsWith('nfs') || mountPoint.startsWith(node.directory))
    .map(({ mountPoint }) => mountPoint);
}

function showMount(tell: Narrator, pod: Pod): void {
  const mount: Mount | undefined = pod.mounted();
  tell.proves('the mount table shows the volume at its target path', mount !== undefined);
  if (mount === undefined) return;
  const { source, root, mountPoint, fsType } = mount;
  tell.shows(`${isNfs(mount) ? source : root} on ${mountPoint} type ${fsType}`);
}
