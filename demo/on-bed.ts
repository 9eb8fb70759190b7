import { mkdirSync } from 'node:fs';
import { a, BerthProcess, b, c, type Host, nas, nas2, nfsPool } from '../test/vm/guest/bed.ts';
import type { Narrator } from './narrator.ts';
import { tellStory } from './story.ts';
import type { World, WorldNode } from './world.ts';

/** In the VM, whose bed is up: runs Berth on three of its hosts, and tells the story on them. */
export async function onBed(tell: Narrator): Promise<void> {
  const config = { pools: { nas: nfsPool(nas), archive: nfsPool(nas2) } };
  const processes: BerthProcess[] = [];
  const start = async (host: Host, mode: 'controller' | 'node') => {
    const berth = await BerthProcess.start(host, { mode, config });
    processes.push(berth);
    return berth;
  };
  const nodes: WorldNode[] = [];
  await tell.step('Run Berth: a controller, and a plugin on each of two nodes', async () => {
    await tell.does('berth controller', () => start(c, 'controller'));
    for (const host of [a, b]) nodes.push(await tell.does(`berth node on ${host.name}`, () => nodeOn(host)));
  });

  async function nodeOn(host: Host): Promise<WorldNode> {
    const { client } = await start(host, 'node');
    const directory = `/tmp/kubelet-${host.name}`;
    mkdirSync(directory, { recursive: true });
    return {
      id: host.name,
      client,
      directory,
      shell: (command) => host.run('sh', '-c', command),
      mounts: () => host.mounts(),
    };
  }

  const [controller] = processes;
  const [first, second] = nodes;
  if (controller === undefined || first === undefined || second === undefined)
    throw new Error('Berth is not up');
  const world: World = {
    controller: controller.client,
    nodes: { a: first, b: second },
    pool: 'nas',
    tree: nas.export,
    treeName: "the server's disk",
    otherPool: 'archive',
    server: { address: nas.address, cut: () => nas.cut(), restore: () => nas.restore() },
    async stop() {
      const ends = await Promise.all(processes.map((berth) => berth.stop()));
      return ends.every((status) => status === 0);
    },
  };
  await tellStory(tell, world);
}
