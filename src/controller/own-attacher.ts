import type { OwnAttacher } from '../node/own-attacher.ts';
import type { ControllerDeps } from './deps.ts';
import { controllerExpandVolume } from './expand-volume.ts';
import { controllerPublishVolume } from './publish-volume.ts';
import { controllerUnpublishVolume } from './unpublish-volume.ts';

/** Attaches to the node of this same process. */
export function ownAttacher(deps: ControllerDeps, nodeId: string): OwnAttacher {
  return {
    async attach({ volume_id, volume_context, volume_capability }) {
      const { publish_context = {} } = await controllerPublishVolume(deps, {
        volume_id,
        node_id: nodeId,
        volume_capability,
        readonly: false,
        secrets: {},
        volume_context,
      });
      return publish_context;
    },
    async detach(volumeId) {
      await controllerUnpublishVolume(deps, { volume_id: volumeId, node_id: nodeId, secrets: {} });
    },
    async expand({ volume_id, capacity_range, volume_capability }) {
      await controllerExpandVolume(deps, { volume_id, capacity_range, volume_capability, secrets: {} });
    },
  };
}
