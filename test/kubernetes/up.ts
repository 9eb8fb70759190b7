// npm run cluster: a Kubernetes with Berth installed, to play with, until Ctrl-C.
import { Cluster } from './bed/cluster.ts';
import { allImages } from './bed/images.ts';
import { installBerth } from './bed/install.ts';
import { prepare } from './bed/prepare.ts';
import { defineSnapshots } from './bed/snapshots.ts';

const disk = await prepare(allImages);
const startedAt = performance.now();
const said = (what: string) =>
  console.log(`${Math.round((performance.now() - startedAt) / 1000)} s: ${what}`);
// A timer takes no more, and nobody plays that long.
const lifetimeMs = 24 * 24 * 3600_000;
const cluster = await Cluster.start(disk, lifetimeMs);
said('two nodes are ready');
await defineSnapshots(cluster.kubectl);
await installBerth(cluster);
said('Berth is installed');
// From here on the machines keep this process; a signal ends it, and everything with it.
console.log(`
The cluster lives as long as this command. In another shell, as root:

  alias kubectl='${cluster.kubectl.command.join(' ')}'
  kubectl get pods --all-namespaces
  kubectl apply --filename deploy/examples/default-class.yaml

The nodes reach no registry, and have for pods: docker.io/library/busybox:1,
docker.io/library/mariadb:10.11 and localhost/fio:1.
Logs of the control plane: ${cluster.directory}. Ctrl-C takes it all down.`);
