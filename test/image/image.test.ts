import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import packageJson from '../../package.json' with { type: 'json' };
import { connect } from '../csi/client.ts';
import { ensurePackages } from '../setup/debian-packages.ts';
import { cleanUp } from '../support/clean-up.ts';
import { leaveOut } from '../support/leave-out.ts';
import { ensureImage, imagePackages } from './ensure-image.ts';
import { type Unpacked, unpack } from './unpacked.ts';

/** The image, or undefined where it cannot be built here, which is a failure under CI=true. */
async function image(t: TestContext): Promise<Unpacked | undefined> {
  const problem = await ensurePackages(imagePackages);
  if (problem === undefined) return unpack(t, await ensureImage((line) => t.diagnostic(line)));
  leaveOut(t, problem);
  return undefined;
}

test('the image has what the driver runs, and nothing that it was built with', async (t) => {
  const built = await image(t);
  if (built === undefined) return;
  const { root, run, config, architecture } = built;

  await t.test('it is as small as it was', async () => {
    const { stdout } = await execa('du', ['--summarize', '--block-size=1M', root]);
    assert.ok(Number.parseInt(stdout, 10) < 200, `${stdout} megabytes`);
  });

  await t.test('the programs start', async () => {
    assert.equal(await run('berth', '--version'), packageJson.version);
    assert.match(await run('mount.nfs', '-V'), /^mount\.nfs: \(linux nfs-utils \d/);
    for (const program of ['mount', 'umount', 'blkid', 'losetup', 'blockdev', 'flock', 'fallocate']) {
      assert.match(await run(program, '--version'), /util-linux/, program);
    }
    for (const program of ['mkfs.ext4', 'e2fsck', 'resize2fs']) {
      assert.match(await run('sh', '-c', `${program} -V 2>&1 || test $? -eq 1`), /\d+\.\d+\.\d+/, program);
    }
    for (const program of ['mkfs.xfs', 'xfs_repair', 'xfs_admin', 'xfs_io']) {
      assert.match(await run(program, '-V'), /version \d/, program);
    }
    assert.match(await run('sh', '-c', 'xfs_growfs -V'), /version \d/);
    assert.match(await run('stat', '--version'), /coreutils/);
    assert.match(await run('cmp', '--version'), /diffutils/);
  });

  await t.test('every program finds its libraries', async () => {
    const check =
      'for file in /usr/bin/* /usr/sbin/* /usr/local/bin/*; do ldd "$file" 2>/dev/null | sed -n "s|.*not found|$file &|p"; done';
    assert.equal(await run('sh', '-c', check), '');
  });

  await t.test('filesystems can be made, found and checked in it', async () => {
    for (const type of ['ext4', 'xfs']) {
      const file = `/tmp/${type}.img`;
      await run('truncate', '--size=512M', file);
      await run(`mkfs.${type}`, '-q', file);
      assert.match(await run('blkid', '--probe', file), new RegExp(`TYPE="${type}"`));
      await run('sh', '-c', type === 'xfs' ? `xfs_repair -n ${file}` : `e2fsck -fn ${file}`);
    }
  });

  await t.test('there are no build tools, package managers, their lists or other interpreters', async () => {
    const gone = [
      'npm',
      'npx',
      'apt-get',
      'dpkg',
      'perl',
      'python3',
      'gcc',
      'ld',
      'strip',
      'make',
      'esbuild',
      'rpc.statd',
      'bash',
    ];
    for (const program of gone) {
      await assert.rejects(run('sh', '-c', `command -v ${program}`), program);
    }
    for (const path of ['build', 'node_modules', 'usr/lib/node_modules', 'usr/local/lib/node_modules']) {
      assert.equal(existsSync(join(root, path)), false, path);
    }
    for (const path of [
      'var/lib/apt',
      'var/cache/apt',
      'etc/apt',
      'root/.npm',
      'root/.npmrc',
      'usr/share/man',
    ]) {
      assert.equal(existsSync(join(root, path)), false, path);
    }
    assert.deepEqual((await readdir(join(root, 'usr/lib/berth'))).sort(), ['LICENSE', 'bin', 'dist']);
  });

  await t.test('what is in it can be told: packages with versions, and their licences', async () => {
    const status = await readFile(join(root, 'var/lib/dpkg/status'), 'utf8');
    const installed = status.split('\n\n').flatMap((entry) => {
      const name = /^Package: (.*)$/m.exec(entry)?.[1];
      return name !== undefined && /^Status: .* installed$/m.test(entry) ? [name] : [];
    });
    assert.ok(installed.includes('nfs-common'));
    assert.ok(!installed.includes('apt') && !installed.includes('perl-base'));
    for (const name of installed) {
      const licence = join(root, 'usr/share/doc', name, 'copyright');
      assert.ok((await stat(licence)).size > 0, licence);
    }
  });

  await t.test('its labels say what it is', () => {
    assert.equal(config.Labels['org.opencontainers.image.title'], 'Berth');
    assert.equal(config.Labels['org.opencontainers.image.licenses'], packageJson.license);
    assert.equal(config.Labels['org.opencontainers.image.version'], packageJson.version);
    assert.equal(architecture, process.arch === 'x64' ? 'amd64' : process.arch);
  });
});

test('a driver in the image serves its socket, and leaves no zombie', async (t) => {
  const built = await image(t);
  if (built === undefined) return;
  const { root, start } = built;
  await mkdir(join(root, 'csi'));
  await mkdir(join(root, 'etc/berth'));
  await writeFile(join(root, 'etc/berth/config.yaml'), 'pools: { scratch: { local: { path: /scratch } } }\n');
  const container = start('all', '--node-id', 'image');
  const ended = once(container, 'exit');
  let log = '';
  for (const stream of [container.stdout, container.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  const csi = connect(join(root, 'csi/csi.sock'));
  cleanUp(t, async () => {
    csi.close();
    container.kill('SIGKILL');
    await ended;
  });
  await csi.ready();
  assert.deepEqual((await csi.Identity.Probe({})).ready, { value: true }, log);
  assert.equal((await csi.Identity.GetPluginInfo({})).vendor_version, packageJson.version);
  const capability = { mount: {}, access_mode: { mode: 'MULTI_NODE_MULTI_WRITER' as const } };
  await csi.Controller.CreateVolume({ name: 'one', volume_capabilities: [capability] });
  assert.ok((await stat(join(root, 'scratch/one'))).isDirectory());

  await t.test('what outlives its parent is reaped by process 1', async () => {
    const [tini] = await childrenOf(container.pid);
    assert.ok(tini);
    const enter = ['--target', `${tini}`, '--mount', '--pid', '--root', '--wd=/'];
    const { stdout: orphan } = await execa('nsenter', [
      ...enter,
      'sh',
      '-c',
      'sleep 0.2 >/dev/null & echo $!',
    ]);
    // Ends when no process of that id is left, a zombie included.
    const gone = `while [ -e /proc/${orphan} ]; do sleep 0.05; done`;
    await execa('nsenter', [...enter, 'sh', '-c', gone], { timeout: 10_000 });
  });

  await t.test('it ends when it is asked to', async () => {
    const [tini] = await childrenOf(container.pid);
    assert.ok(tini);
    process.kill(tini, 'SIGTERM');
    assert.deepEqual(await ended, [0, null], log);
  });
});

async function childrenOf(pid: number | undefined): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').filter(Boolean).map(Number);
}
