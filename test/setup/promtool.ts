// promtool, out of Debian's package of Prometheus, in the clone's cache. The package is not installed: it would start a
// server, and start it again with the machine.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';

const cached = resolve(import.meta.dirname, '../../.cache/bin/promtool');
const installed = '/usr/bin/promtool';

/** Where promtool is; undefined where it is not there. */
export function promtool(): string | undefined {
  return [installed, cached].find((path) => existsSync(path));
}

/** Unpacks it unless it is there. Returns a line that says why not, or undefined if it is there. */
export async function ensurePromtool(): Promise<string | undefined> {
  if (promtool() !== undefined) return undefined;
  if (!existsSync('/usr/bin/apt-get')) return 'promtool is missing; it comes with Prometheus';
  console.log('setup: promtool, from apt-get download prometheus');
  const directory = await mkdtemp(join(tmpdir(), 'berth-promtool-'));
  const run = execa({ cwd: directory, all: true, reject: false, timeout: 5 * 60_000 });
  try {
    let got = await run`apt-get --quiet download prometheus`;
    if (got.exitCode !== 0) {
      await run`apt-get --quiet update`;
      got = await run`apt-get --quiet download prometheus`;
    }
    const [file = ''] = (await readdir(directory)).filter((name) => name.endsWith('.deb'));
    const unpacked = await run`dpkg-deb --extract ${join(directory, file)} ${join(directory, 'root')}`;
    if (unpacked.exitCode !== 0) return `promtool could not be had:\n${got.all}\n${unpacked.all}`;
    await mkdir(resolve(cached, '..'), { recursive: true });
    await copyFile(join(directory, 'root/usr/bin/promtool'), `${cached}.new`);
    await rename(`${cached}.new`, cached);
    return undefined;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
