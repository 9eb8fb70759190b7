// What npm test runs of the cluster: the chart is installed, a volume is shared by both nodes, and one outlives its
// node.
import { basicImages } from './bed/images.ts';
import { onCluster } from './bed/scenario.ts';
import { failOver } from './scenarios/fail-over.ts';
import { sharing } from './scenarios/sharing.ts';

onCluster(basicImages, { alone: [sharing, failOver] });
