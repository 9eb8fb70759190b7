// Whose fault a failure at a block volume is: its device's, or the pool's, where the attachments of all volumes are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError } from '../../../../src/host/command-error.ts';
import { blockFailure } from '../../../../src/volumes/block/block-failure.ts';
import { NodeAttachments } from '../../../../src/volumes/block/node-attachments.ts';

const device = { volumeId: 'lun-1', pool: 'nas', isDevice: true };

async function failing(file: string): Promise<never> {
  const outcome = { file, timedOut: true, timeoutMs: 20_000, stdout: '', stderr: '' };
  throw new CommandError(outcome);
}

test('what does not answer is the device itself, where a command at the device was given up', async () => {
  const error = await failing('blkid').catch((thrown: unknown) => blockFailure(thrown, device));
  assert.match(String(error), /cannot be reached: its device does not answer \(blkid did not finish/);
});

test('what does not answer is the pool, where a command at the attachment was given up', async () => {
  const attachments = new NodeAttachments('node-1', failing);
  const calls = [
    attachments.use('/pool', 'key'),
    attachments.isAttached('/pool', { key: 'key', version: undefined }),
    attachments.letGo('/pool', 'key'),
  ];
  for (const call of calls) {
    const error = await call.catch((thrown: unknown) => blockFailure(thrown, device));
    assert.match(String(error), /cannot be reached: the pool nas does not answer \((mv|readlink|ls) did not/);
  }
});
