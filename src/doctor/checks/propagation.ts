import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountHolding, parseMountinfo, sharedMounts } from '../../host/mountinfo.ts';
import type { DoctorContext } from '../context.ts';
import { type Check, fail, ok, warn } from '../finding.ts';

/** Whether what is mounted here below kubelet's folder is seen by kubelet and the pods. */
export const propagation: Check<DoctorContext> = {
  name: 'propagation',
  async run({ kubeletDir, stateDir }) {
    if (!existsSync(kubeletDir))
      return ok(`No ${kubeletDir} is here, so no pods get their volumes from here.`);
    const table = readFileSync('/proc/self/mountinfo', 'utf8');
    const shared = sharedMounts(table);
    const mounts = parseMountinfo(table);
    const isShared = (path: string) => shared.has(mountHolding(mounts, path)?.id ?? -1);
    if (!isShared(join(kubeletDir, 'pods'))) {
      return fail(
        `Mounts below ${kubeletDir} are not shared, so pods would not see their volumes.`,
        'Mount it into the container with mountPropagation: Bidirectional; on the host: mount --make-rshared /.',
      );
    }
    if (!isShared(stateDir)) {
      return warn(
        `Mounts below ${stateDir} are not shared, so those of the pools end with the container.`,
        `Put --state-dir below ${kubeletDir}, which is mounted with Bidirectional propagation.`,
      );
    }
    return ok(`Mounts below ${kubeletDir} reach the pods.`);
  },
};
