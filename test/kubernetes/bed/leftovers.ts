import { waitFor } from '../../vm/guest/wait-for.ts';
import type { Cluster } from './cluster.ts';
import { hasSnapshots, snapshotContents } from './snapshots.ts';

/**
 * All of a node, which has none of its own: a file's path is that of the container in which it was opened, and only its
 * end once that container is gone.
 */
const loops = 'losetup --list --noheadings --output NAME,BACK-FILE';

/** What is there of volumes on the API, the server and the nodes that are on, one line each. */
async function leftovers(cluster: Cluster): Promise<string[]> {
  const { kubectl, server, nodes } = cluster;
  const ask = [
    kubectl.run(['get', 'persistentvolumes,volumeattachments', '-o', 'name']),
    hasSnapshots(kubectl).then((has) => (has ? kubectl.run(['get', snapshotContents, '-o', 'name']) : '')),
    // The state folder's own entries: volumes, claims of paths, what waits for its removal; nodes stay.
    server.run(
      'cd /srv/export && ls -A | grep -vx .berth; find .berth -mindepth 2 -not -path ".berth/nodes/*" 2>/dev/null; true',
    ),
    ...Object.values(nodes)
      .filter((node) => node.isRunning)
      .map((node) => node.run(`grep -E " nfs4? |berth" /proc/self/mounts; ${loops}; true`)),
  ];
  return (await Promise.all(ask)).flatMap((text) => text.split('\n')).filter((line) => line !== '');
}

/** What was found left once, and told: not to be told again of everything that comes later. */
const told = new Set<string>();

/** Waits until no volume of Berth is left anywhere. The server's removals go on in the background. */
export async function waitForNoLeftovers(cluster: Cluster): Promise<void> {
  let last: string[] = [];
  try {
    await waitFor(
      'no volume is left on the API, the server and the nodes',
      async () => {
        last = (await leftovers(cluster)).filter((line) => !told.has(line));
        if (last.length > 0) throw new Error(`left: ${last.join('\n')}`);
        return true;
      },
      180_000,
      1_000,
    );
  } finally {
    for (const line of last) told.add(line);
  }
}
