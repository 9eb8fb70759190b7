import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { type BlockDevice, hostUseOf } from '../../host/block-device.ts';
import { contentOf } from '../../host/device-content.ts';
import { exclusivityOf } from '../../host/exclusive.ts';

const probeMs = 60_000;
const openMs = 10_000;

/**
 * Sees to it that this machine does not use a device itself, whole or in part. What it is labelled for counts too: a
 * RAID or LVM that is not running is one all the same. Throws FAILED_PRECONDITION, UNAVAILABLE and CommandError.
 */
export async function refuseInUse(volumeId: string, device: BlockDevice): Promise<void> {
  const use = hostUseOf(device);
  if (use !== undefined) throw inUse(volumeId, device, use);
  const content = await contentOf(device.path, { timeoutMs: probeMs });
  if (content.kind === 'other' && /(_member|^swap)$/.test(content.what)) {
    throw inUse(volumeId, device, `labelled as ${content.what}`);
  }
  switch (await exclusivityOf(device.path, openMs)) {
    case 'free':
      return;
    case 'taken':
      throw inUse(volumeId, device, 'opened by something for itself alone');
    case 'silent':
      throw new CsiError(
        status.UNAVAILABLE,
        'device-silent',
        `The volume ${volumeId} cannot be reached: its device ${device.path} does not answer; look at its cable, target or driver, and repeat the call.`,
      );
  }
}

function inUse(volumeId: string, { path }: BlockDevice, use: string): CsiError {
  return new CsiError(
    status.FAILED_PRECONDITION,
    'device-in-use',
    `The volume ${volumeId} cannot be used: its device ${path} is ${use} on this node; end that, or name another device.`,
  );
}
