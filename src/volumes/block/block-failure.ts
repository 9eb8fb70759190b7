import { status } from '@grpc/grpc-js';
import { CsiError } from '../../errors/csi-error.ts';
import { CommandError } from '../../host/command-error.ts';
import { DamagedFilesystemError, DirtyFilesystemError } from '../../host/filesystem.ts';
import {
  DeviceBusyError,
  EmptyDeviceError,
  NoLoopDeviceError,
  NotAFileError,
  NotWritableError,
} from '../../host/loop.ts';
import { troubleOf } from '../../host/statfs.ts';
import { AttachmentError } from './node-attachments.ts';

interface What {
  readonly volumeId: string;
  readonly pool: string;
  /** Whether it is a device of the node, and no image on the pool. */
  readonly isDevice: boolean;
}

/** What an error that was met with an image means to the caller of an RPC; CsiError is returned as it is. */
export function blockFailure(error: unknown, what: What): unknown {
  if (error instanceof AttachmentError) return blockFailure(error.cause, { ...what, isDevice: false });
  if (error instanceof CsiError) return error;
  const { volumeId, pool, isDevice } = what;
  const fail = (code: status, reason: string, sentence: string) =>
    new CsiError(code, reason, `The volume ${volumeId} ${sentence}`, { cause: error });
  if (error instanceof NotAFileError) {
    return fail(
      status.FAILED_PRECONDITION,
      'image-no-file',
      `cannot be used: what it names on the pool ${pool} is no plain file; correct "image".`,
    );
  }
  if (error instanceof NoLoopDeviceError) {
    return fail(
      status.RESOURCE_EXHAUSTED,
      'no-loop-device',
      'cannot be attached: this node has no free loop device; see that the kernel module loop is loaded and /dev/loop-control is there, or end something that has one.',
    );
  }
  if (error instanceof EmptyDeviceError) {
    return fail(
      status.FAILED_PRECONDITION,
      'device-empty',
      'cannot be used: it has no bytes; its image was cut to nothing, or there is no medium in its device.',
    );
  }
  if (error instanceof NotWritableError) {
    return fail(
      status.FAILED_PRECONDITION,
      'image-not-writable',
      `cannot be attached for writing: its image on the pool ${pool} can only be read from this node; look at its mode and at root_squash, or use the volume read-only.`,
    );
  }
  if (error instanceof DeviceBusyError) {
    return fail(
      status.UNAVAILABLE,
      'device-busy',
      `is not let go of yet: ${error.message}, perhaps to write back what is cached, or because a process holds it; repeat the call.`,
    );
  }
  if (error instanceof DamagedFilesystemError) {
    return fail(
      status.FAILED_PRECONDITION,
      'filesystem-damaged',
      'has a damaged filesystem, which needs a decision to be repaired, and was not mounted: make a copy of the image, then repair it by hand (e2fsck, xfs_repair). The log has what was found.',
    );
  }
  if (error instanceof DirtyFilesystemError) {
    return fail(
      status.FAILED_PRECONDITION,
      'filesystem-dirty',
      'has a filesystem that was not unmounted, whose journal has to be replayed, and may not be written to here: attach it once for writing.',
    );
  }
  if (!(error instanceof CommandError)) return error;
  const trouble = troubleOf(error);
  const source = isDevice ? 'its device' : `the pool ${pool}`;
  if (trouble === 'missing' && isDevice) {
    return fail(
      status.NOT_FOUND,
      'device-missing',
      'cannot be used on this node: its device went away; look at its cable, target or driver.',
    );
  }
  if (trouble === 'missing') {
    return fail(
      status.NOT_FOUND,
      'image-missing',
      `has no image on the pool ${pool}: it was removed, or its "image" is wrong.`,
    );
  }
  // Of a loop device that is all that is told, whatever became of what is below it; in mount(8)'s words for EIO, too.
  if (/Input\/output error|can't read superblock/.test(error.stderr)) {
    const [why, logs] = isDevice
      ? ['The disk fails', "the node's kernel log"]
      : ['Its server does not answer, the disk below it fails', "the node's kernel log and the server's"];
    return fail(
      status.UNAVAILABLE,
      'image-unreadable',
      `cannot be read or written: ${source} gives I/O errors (${error.shortMessage}). ${why}, or the filesystem is damaged: look at ${logs}, then repeat the call.`,
    );
  }
  if (trouble === 'silent' || trouble === 'stale') {
    return fail(
      status.UNAVAILABLE,
      'pool-unavailable',
      `cannot be reached: ${source} does not answer (${error.shortMessage}); the call can be repeated once it is back.`,
    );
  }
  return fail(
    status.INTERNAL,
    'image-failed',
    `cannot be used: ${error.shortMessage}; the log has what it said.`,
  );
}
