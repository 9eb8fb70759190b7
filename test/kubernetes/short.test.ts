// What npm test runs of the cluster: the chart is installed, a volume is shared by both nodes, and one outlives its node.

import { basicImages } from './bed/images.ts';
import { onCluster } from './bed/scenario.ts';

onCluster(basicImages);
await import('./scenarios/sharing.ts');
await import('./scenarios/fail-over.ts');
