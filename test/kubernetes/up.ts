// npm run cluster: a Kubernetes with Berth installed, to play with, until Ctrl-C.
import { Cluster } from './bed/cluster.ts';
import { allImages } from './bed/images.ts';
import { installBerth } from './bed/install.ts';
import { prepare } from './bed/prepare.ts';

const disk = await prepare(allImages);
const startedAt = performance.now();
const said = (what: string) =>
  console.log(`${Math.round((performance.now() - startedAt) / 1000)} s: ${what}`);
const cluster = await Cluster.start(disk);
said('two nodes are ready');
await installBerth(cluster);
said('Berth is installed');
// From here on the machines keep this process; a signal ends it, and everything with it.
console.log(`
The cluster lives as long as this command. In another shell, as root:

  alias kubectl='${cluster.kubectl.command.join(' ')}'
  kubectl get pods --all-namespaces
  kubectl apply --filename deploy/examples/default-class.yaml

Logs of the control plane: ${cluster.directory}. Ctrl-C takes it all down.`);
