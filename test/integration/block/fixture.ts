// A controller and a node of one machine, with a local pool: what a block volume goes through, for real.
import assert from 'node:assert/strict';
import { mkdir, readdir, realpath, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { mountsBelow } from '../../../src/host/mountinfo.ts';
import { cleanUp } from '../../support/clean-up.ts';
import { type Driver, type DriverOptions, type Machine, makeMachine } from '../../support/driver.ts';
import { loopsBelow } from '../../support/image-file.ts';

export const nodeId = 'node-1';

const writer = { mode: 'SINGLE_NODE_WRITER' } as const;
export const raw = { block: {}, access_mode: writer };
export const ext4 = { mount: { fs_type: 'ext4' }, access_mode: writer };
export const xfs = { mount: { fs_type: 'xfs' }, access_mode: writer };
export type Wish = Readonly<Record<string, unknown>>;

/** A block volume as its container orchestrator knows it, and the paths that it has for it. */
export interface Volume {
  readonly id: string;
  readonly file: string;
  readonly staging: string;
  readonly target: string;
  readonly attach: (node?: string) => Promise<void>;
  /** Where its attachment was to, it has this file below the pool. */
  readonly told: () => string;
  readonly stage: (changes?: Wish) => Promise<unknown>;
  readonly publish: (changes?: Wish) => Promise<unknown>;
  readonly unpublish: () => Promise<unknown>;
  readonly unstage: () => Promise<unknown>;
  readonly detach: (node?: string) => Promise<unknown>;
  /** All of the above up to publish. */
  readonly up: () => Promise<void>;
  /** And back again. */
  readonly down: () => Promise<void>;
}

export interface Bed {
  readonly machine: Machine;
  /** The pool's directory. */
  readonly pool: string;
  /** The driver as it is now. */
  driver: Driver;
  /** `more` is of the request. */
  volume(name: string, wish: Wish, bytes: number, more?: Wish): Promise<Volume>;
  /** A node of another name, as far as the controller knows. */
  announce(node: string): Promise<void>;
  /** The same for a volume that somebody wrote by hand. */
  existing(id: string, wish: Wish, context: Record<string, string>): Promise<Volume>;
  /** Ends the driver as a crash does, and starts it again. */
  crash(options?: Pick<DriverOptions, 'prefix'>): Promise<void>;
  loops(): string[];
  mounts(): string[];
}

export interface BedOptions {
  readonly devices?: readonly string[];
  /** What the pool is on. */
  readonly disk?: { readonly path: string };
}

/** Makes it; no mount, loop device or attachment in use may be left at the end of the test. */
export async function makeBed(t: TestContext, { devices = [], disk }: BedOptions = {}): Promise<Bed> {
  assert.equal(process.getuid?.(), 0, 'this test attaches real loop devices and has to run as root');
  const machine = await makeMachine(t, devices);
  const base = await realpath(machine.directory);
  const pool = join(base, 'pool');
  const paths = join(base, 'paths');
  await mkdir(paths);
  const flags = ['--node-id', nodeId];
  if (disk !== undefined) {
    await execa`mount --bind ${disk.path} ${pool}`;
    cleanUp(t, () => execa`umount --lazy ${pool}`);
  }
  const loops = () => loopsBelow(base);
  const mounts = () => mountsBelow(paths).map(({ mountPoint }) => mountPoint);
  cleanUp(t, async () => {
    // Those of the driver's own, too.
    const mounted = mountsBelow(base)
      .map(({ mountPoint }) => mountPoint)
      .filter((mountPoint) => mountPoint !== pool);
    const left = [...mounted, ...loops(), ...(await inUse(pool))];
    for (const path of mounted.reverse()) await execa({ reject: false })`umount --lazy ${path}`;
    for (const device of loops()) await execa({ reject: false })`losetup --detach ${device}`;
    assert.deepEqual(left, [], 'the test left something behind');
  });
  const bed: Bed = {
    machine,
    pool,
    driver: await machine.start({ flags }),
    async volume(name, wish, bytes, more = {}) {
      const { volume } = await bed.driver.csi.Controller.CreateVolume({
        name,
        volume_capabilities: [wish],
        capacity_range: { required_bytes: String(bytes) },
        ...more,
      });
      assert.ok(volume);
      return make(volume.volume_id, wish, volume.volume_context);
    },
    announce: (node) => symlink(JSON.stringify({ v: 1, node, max: 0 }), join(pool, '.berth/nodes', node)),
    existing: (id, wish, context) => make(id, wish, context),
    async crash(options = {}) {
      await bed.driver.end('SIGKILL');
      bed.driver = await machine.start({ ...options, flags, name: `again-${Math.random()}` });
    },
    loops,
    mounts,
  };

  async function make(id: string, wish: Wish, context: Readonly<Record<string, string>>): Promise<Volume> {
    const name = id.replaceAll('/', '-');
    const staging = join(paths, `${name}-staging`);
    const target = join(paths, `${name}-target`);
    await mkdir(staging);
    let published: Readonly<Record<string, string>> = {};
    const request = (changes: Wish = {}) => ({
      volume_id: id,
      volume_context: context,
      publish_context: published,
      staging_target_path: staging,
      volume_capability: wish,
      ...changes,
    });
    const volume: Volume = {
      id,
      file: join(pool, context.image ?? ''),
      staging,
      target,
      told: () => published.image ?? '',
      async attach(node = nodeId) {
        const { Controller } = bed.driver.csi;
        const asked = { volume_id: id, node_id: node, volume_capability: wish, volume_context: context };
        // Repeated as the attacher does, once a file that was left was copied.
        const answer = await Controller.ControllerPublishVolume(asked).catch((error: unknown) => {
          if (/its image was copied/.test(String(error))) return Controller.ControllerPublishVolume(asked);
          throw error;
        });
        published = answer.publish_context;
      },
      stage: (changes) => bed.driver.csi.Node.NodeStageVolume(request(changes)),
      publish: (changes) =>
        bed.driver.csi.Node.NodePublishVolume({ target_path: target, ...request(changes) }),
      unpublish: () => bed.driver.csi.Node.NodeUnpublishVolume({ volume_id: id, target_path: target }),
      unstage: () => bed.driver.csi.Node.NodeUnstageVolume({ volume_id: id, staging_target_path: staging }),
      detach: (node = nodeId) =>
        bed.driver.csi.Controller.ControllerUnpublishVolume({ volume_id: id, node_id: node }),
      async up() {
        await volume.attach();
        await volume.stage();
        await volume.publish();
      },
      async down() {
        await volume.unpublish();
        await volume.unstage();
        await volume.detach();
      },
    };
    return volume;
  }
  return bed;
}

/** The attachments that nodes have not let go of, also those that were taken from them. */
export async function inUse(pool: string): Promise<string[]> {
  const names = await readdir(join(pool, '.berth/volumes'), { recursive: true });
  return names.filter((name) => /\/(used|making|left|unmade),/.test(name));
}
