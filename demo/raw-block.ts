import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Narrator } from './narrator.ts';
import { attach, createVolume, detach, Pod } from './pod.ts';
import type { World } from './world.ts';

const failedPrecondition = 9;
const mebibyte = 1024 ** 2;

/** A disk from the same pool: no SAN, no other server. */
export async function rawBlock(tell: Narrator, world: World): Promise<void> {
  const { controller, nodes, pool, tree, treeName } = world;
  const { a, b } = nodes;
  await tell.step('A raw block device, out of the same pool', async () => {
    tell.says('A claim with volumeMode: Block gets a device. Its bytes are one sparse file on the pool.');
    const disk = await tell.does('CreateVolume disk, 64 MiB, volumeMode: Block', () =>
      createVolume(world, pool, 'disk', 'ReadWriteOnce', {}, { block: true, bytes: 64 * mebibyte }),
    );
    const { size, blocks } = statSync(join(tree, 'disk/disk.img'));
    tell.proves(`${treeName} has the file disk/disk.img of 64 MiB`, String(size), String(64 * mebibyte));
    tell.proves('it takes no space yet', blocks * 512 < mebibyte);
    await tell.does('attach it to node a', () => attach(world, disk, a));
    const pod = new Pod(a, disk, 'vm');
    await tell.does('a pod on node a', () => pod.start());
    tell.proves('it has a block device', await a.shell(`stat -c %F '${pod.path}'`), 'block special file');
    await tell.does('it writes to the device, past every filesystem', () =>
      a.shell(`echo 'boot sector' | dd of='${pod.path}' conv=notrunc,fsync status=none`),
    );
    await tell.isRefused('attach it to node b: refused', failedPrecondition, () => attach(world, disk, b));
    await tell.does('expand it to 128 MiB, while the pod runs', async () => {
      const grown = { volume_id: disk.id, capacity_range: { required_bytes: String(128 * mebibyte) } };
      await controller.Controller.ControllerExpandVolume(grown);
      await a.client.Node.NodeExpandVolume({ ...grown, volume_path: pod.path });
    });
    const grown = await a.shell(`blockdev --getsize64 '${pod.path}'`);
    tell.proves('the pod sees a larger device', grown, String(128 * mebibyte));
    await tell.does('the pod ends; its volume goes to node b', async () => {
      await pod.end({ last: true });
      await detach(world, disk, a);
      await attach(world, disk, b);
    });
    const next = new Pod(b, disk, 'vm');
    await tell.does('a pod on node b', () => next.start());
    tell.proves(
      'it reads what the first one wrote',
      await b.shell(`head -n 1 '${next.path}'`),
      'boot sector',
    );
    await tell.does('it ends; the volume is deleted', async () => {
      await next.end({ last: true });
      await detach(world, disk, b);
      await controller.Controller.DeleteVolume({ volume_id: disk.id });
    });
    const loops = await a.shell('losetup --list --noheadings --output BACK-FILE');
    tell.proves('no loop device is left', !loops.includes('disk.img'));
  });
}
