// npm run test:kubernetes: every scenario, on one cluster. Of those in short.test.ts the fail-over is left out: the
// database's node loses its power here.

import { allImages } from './bed/images.ts';
import { onCluster } from './bed/scenario.ts';

onCluster(allImages);
await import('./scenarios/claims.ts');
await import('./scenarios/sharing.ts');
await import('./scenarios/access-modes.ts');
await import('./scenarios/changes.ts');
await import('./scenarios/migration.ts');
await import('./scenarios/ordered-replicas.ts');
await import('./scenarios/database.ts');
await import('./scenarios/faults.ts');
await import('./scenarios/kubelet.ts');
await import('./scenarios/scale.ts');
// Last, since it leaves the driver changed.
await import('./scenarios/operations.ts');
