// npm run test:kubernetes: every scenario, on one cluster. Of those in short.test.ts the fail-over is left out: the
// database's node loses its power here.
import { allImages } from './bed/images.ts';
import { onCluster } from './bed/scenario.ts';
import { accessModes } from './scenarios/access-modes.ts';
import { blocks, staticDevice, staticDisk } from './scenarios/blocks.ts';
import { changes } from './scenarios/changes.ts';
import { claims } from './scenarios/claims.ts';
import { database } from './scenarios/database.ts';
import { deadServer } from './scenarios/faults.ts';
import { kubeletRestart } from './scenarios/kubelet.ts';
import { migration } from './scenarios/migration.ts';
import { nodeLocal } from './scenarios/node-local.ts';
import { doctor, plainManifests, pluginRestarts, upgrade } from './scenarios/operations.ts';
import { orderedReplicas } from './scenarios/ordered-replicas.ts';
import { manyClaims } from './scenarios/scale.ts';
import { sharing } from './scenarios/sharing.ts';
import { databaseRestored, snapshots } from './scenarios/snapshots.ts';

onCluster(allImages, {
  // The longest come first.
  together: [
    orderedReplicas,
    migration,
    sharing,
    ...accessModes,
    ...changes,
    ...claims,
    ...blocks,
    ...snapshots,
    plainManifests,
  ],
  // The upgrade leaves the driver changed: with devices, which the last two use.
  alone: [
    // It says so where a server takes long to answer.
    doctor,
    nodeLocal,
    database,
    databaseRestored,
    deadServer,
    kubeletRestart,
    manyClaims,
    pluginRestarts,
    upgrade,
    staticDevice,
    staticDisk,
  ],
});
