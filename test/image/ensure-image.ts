// Berth's image as a docker-archive, made on this machine, without an image registry or a container engine.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, symlink, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ensurePackages } from '../setup/debian-packages.ts';
import { type Bases, ensureBases, registryVolumes } from './bases.ts';
import { buildah, checkout, imageNames, removeImages, workshop } from './buildah.ts';
import { keyOf } from './key.ts';

/** What the image is called where the archive is imported. */
export const imageName = 'localhost/berth:dev';

export const imagePackages: readonly string[] = ['buildah', 'mmdebstrap'];

const archives = join(checkout, '.cache/images');

const packagesOf = ['package.json', 'package-lock.json', '.npmrc'];
const recipe = [
  'Dockerfile',
  '.dockerignore',
  'test/image/{apt-sources,bases,buildah,ensure-image,key}.ts',
  'scripts/image/*',
];
const sources = ['LICENSE', 'tsconfig.json', 'bin/**', 'proto/**', 'scripts/**', 'src/*', 'src/!(wire)/**'];

/** Archives of former states that are kept: of other checkouts that share the cache, as a rule. */
const kept = 3;

/**
 * Builds the image unless what goes into it is unchanged. Returns the archive's path, which has a hash of all that
 * went into it in its name and is never written again; `.cache/images/berth.tar` is the last one built.
 * Throws an Error that says what is missing, or the end of what the build printed.
 */
export async function ensureImage(say: (line: string) => void = console.log): Promise<string> {
  const key = await keyOf([...packagesOf, ...recipe, ...sources, 'src/wire/*'], process.arch);
  const archive = join(archives, `berth-${key}.tar`);
  if (!existsSync(archive)) {
    const problem = await ensurePackages(imagePackages);
    if (problem !== undefined) throw new Error(problem);
    if (process.getuid?.() !== 0)
      throw new Error('the image is built as root, who alone may make a Debian: sudo npm run image');
    await mkdir(archives, { recursive: true });
    await mkdir(workshop, { recursive: true });
    await build(archive, say);
  }
  await replaceLatest(archive);
  return archive;
}

/** Each stage that rarely changes is an image of its own: buildah finds its layers in it, and the rest can go. */
async function build(archive: string, say: (line: string) => void): Promise<void> {
  const bases = await ensureBases(say);
  const stages = {
    packages: `localhost/berth-packages:${await keyOf([...packagesOf, 'Dockerfile'], bases.build)}`,
    runtime: `localhost/berth-runtime:${await keyOf([...packagesOf, 'Dockerfile', 'scripts/image/*'], JSON.stringify(bases))}`,
  };
  say('buildah bud: packages');
  const registry = (await registryVolumes()).flatMap((volume) => ['--volume', volume]);
  await bud(bases, ['--target', 'packages', '--tag', stages.packages, ...registry]);
  say('buildah bud: runtime');
  await bud(bases, ['--target', 'runtime', '--tag', stages.runtime]);
  say('buildah bud: image');
  await bud(bases, ['--tag', imageName]);
  const aside = `${archive}.${process.pid}`;
  try {
    await buildah(['push', '--quiet', imageName, `docker-archive:${aside}:${imageName}`]);
    await rename(aside, archive);
  } finally {
    await rm(aside, { force: true });
    const wanted = new Set([...Object.values(bases), ...Object.values(stages)]);
    await removeImages((await imageNames()).filter((name) => !wanted.has(name)));
    await buildah(['rmi', '--prune', '--force']);
  }
}

async function bud({ base, build }: Bases, args: readonly string[]): Promise<void> {
  await buildah([
    'bud',
    '--isolation=chroot',
    '--layers',
    '--pull-never',
    '--build-arg',
    `BASE=${base}`,
    '--build-arg',
    `BUILD=${build}`,
    ...args,
    checkout,
  ]);
}

/** A second name for the archive, in one step; the archives that nobody has asked for lately go. */
async function replaceLatest(archive: string): Promise<void> {
  const aside = join(archives, `latest.${process.pid}`);
  // No hard link: rename(2) of one onto another of the same file does nothing, and leaves both.
  await symlink(basename(archive), aside);
  await rename(aside, join(archives, 'berth.tar'));
  // The time of its last use, by which it is kept.
  await utimes(archive, new Date(), new Date());
  const others = (await readdir(archives)).filter((name) => /^berth-[0-9a-f]{12}\.tar$/.test(name));
  const aged = await Promise.all(
    others.map(async (name) => {
      const path = join(archives, name);
      return { path, used: (await stat(path)).mtimeMs };
    }),
  );
  aged.sort((one, other) => other.used - one.used);
  for (const { path } of aged.slice(kept)) await rm(path, { force: true });
}
