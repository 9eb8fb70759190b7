// The VM's initramfs: busybox, the few modules needed to reach the root filesystem, and guest/init.sh.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import type { VmPrograms } from './machine.ts';

const initFile = join(import.meta.dirname, 'guest', 'init.sh');
const cacheDir = join(import.meta.dirname, '..', '..', '.cache', 'vm');
const modules = ['virtio_pci', 'virtiofs', 'overlay'];

/** Builds the initramfs unless the cache has one for this kernel and this init.sh; returns its path. */
export async function buildInitrd(programs: VmPrograms): Promise<string> {
  const init = await readFile(initFile);
  const key = createHash('sha256').update(init).digest('hex').slice(0, 12);
  const file = join(cacheDir, `initrd-${programs.kernelRelease}-${key}.gz`);
  const present = await stat(file).then(
    () => true,
    () => false,
  );
  if (present) return file;

  await mkdir(cacheDir, { recursive: true });
  const root = await mkdtemp(join(tmpdir(), 'berth-initrd-'));
  try {
    for (const dir of ['bin', 'proc', 'sys', 'dev', 'modules'])
      await mkdir(join(root, dir), { recursive: true });
    await copyFile(programs.busybox, join(root, 'bin', 'busybox'));
    await writeFile(join(root, 'init'), init, { mode: 0o755 });
    await copyModules(programs.kernelRelease, join(root, 'modules'));
    // Packed aside and renamed: two test runs may build it at the same time.
    const aside = `${file}.${process.pid}`;
    await execa({
      cwd: root,
    })`sh -c ${`find . | cpio --create --format=newc --quiet | gzip -1 >${JSON.stringify(aside)}`}`;
    await rename(aside, file);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return file;
}

/** Copies the modules with what they depend on, and a list in the order to load them. */
async function copyModules(kernelRelease: string, target: string): Promise<void> {
  const files = new Set<string>();
  for (const module of modules) {
    const { stdout } = await execa`/sbin/modprobe --set-version ${kernelRelease} --show-depends ${module}`;
    for (const line of stdout.split('\n')) {
      const path = /^insmod (\S+)/.exec(line)?.[1];
      if (path !== undefined) files.add(path);
    }
  }
  for (const path of files) await copyFile(path, join(target, basename(path)));
  await writeFile(join(target, 'order'), [...files].map((path) => `${basename(path)}\n`).join(''));
}
