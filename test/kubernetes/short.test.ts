// A shorter path than all.test.ts: the chart is installed, volumes are made and shared, and one survives its node.

import { basicImages } from './bed/images.ts';
import { onCluster } from './bed/scenario.ts';

onCluster(basicImages);
await import('./scenarios/sharing.ts');
await import('./scenarios/fail-over.ts');
