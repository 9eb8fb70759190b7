import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { status } from '@grpc/grpc-js';
import { pino } from 'pino';
import type { PoolConfig } from '../../src/config/schema.ts';
import { CsiError } from '../../src/errors/csi-error.ts';
import { type Mount, mountsBelow } from '../../src/host/mountinfo.ts';
import { createNodeService } from '../../src/node/service.ts';
import type { NodePublishVolumeRequest, VolumeCapability } from '../../src/wire/generated/csi-types.ts';
import { cleanUp } from '../support/clean-up.ts';

type Mode = NonNullable<VolumeCapability['access_mode']>['mode'];

/** A node with one local pool, in a directory of its own that must be free of mounts and gone at the end. */
export function makeNode(t: TestContext) {
  assert.equal(process.getuid?.(), 0, 'this test makes real bind mounts and has to run as root');
  const base = mkdtempSync(join(realpathSync(tmpdir()), 'berth-node-'));
  const at = (...parts: string[]) => join(base, ...parts);
  for (const name of ['pool', 'pods', 'staging']) mkdirSync(at(name));
  const pool: PoolConfig = { kind: 'local', name: 'scratch', local: { path: at('pool') } };
  const stateDir = at('state');
  const start = () =>
    createNodeService({
      driverName: 'csi.berth.dev',
      nodeId: 'node-1',
      maxVolumesPerNode: 7,
      pools: new Map([[pool.name, pool]]),
      devices: [],
      stateDir,
      log: pino({ level: 'silent' }),
    });

  cleanUp(t, () => {
    const left = mountsBelow(base).map(({ mountPoint }) => mountPoint);
    for (const path of left.reverse()) execFileSync('umount', ['-l', path]);
    rmSync(base, { recursive: true, force: true });
    assert.deepEqual(left, [], 'the test left mounts behind');
  });

  return {
    base,
    at,
    start,
    node: start(),
    /** Makes a volume's directory on the pool. */
    volume(subDir: string) {
      mkdirSync(at('pool', subDir), { recursive: true });
      return subDir;
    },
    mounts: (): Mount[] => mountsBelow(base),
    mountsAt: (path: string): Mount[] => mountsBelow(base).filter(({ mountPoint }) => mountPoint === path),
    publication(subDir: string, target: string, changes: Partial<NodePublishVolumeRequest> = {}) {
      return {
        volume_id: `scratch/${subDir.replace(/[^a-z0-9]/g, '')}`,
        publish_context: {},
        staging_target_path: at('staging'),
        target_path: at('pods', target),
        volume_capability: capability('SINGLE_NODE_MULTI_WRITER'),
        readonly: false,
        secrets: {},
        volume_context: { pool: 'scratch', subDir },
        ...changes,
      } satisfies NodePublishVolumeRequest;
    },
  };
}

export function capability(mode: Mode, mount_flags: readonly string[] = []): VolumeCapability {
  return {
    access_mode: { mode },
    access_type: 'mount',
    mount: { fs_type: '', mount_flags, volume_mount_group: '' },
  };
}

/** What a question about a volume at a path has. */
export const atPath = (volume_id: string, volume_path: string) => ({
  volume_id,
  volume_path,
  staging_target_path: '',
});

/** Asserts that a call fails with a code and one clean sentence or two. */
export async function refused(call: Promise<unknown>, code: status, text?: RegExp): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof CsiError, String(error));
    assert.equal(status[error.code], status[code], error.message);
    assert.match(error.message, /^[A-Z].*\.$/s);
    assert.doesNotMatch(error.message, /[{}]|\bat .*:\d+/);
    if (text) assert.match(error.message, text);
    return true;
  });
}

export const exists = existsSync;
