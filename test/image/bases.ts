// What the Dockerfile's build arguments name, made here of Debian's packages and npm, without an image registry.
import { statSync } from 'node:fs';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { readAptSources } from './apt-sources.ts';
import { checkout, commitNew, hasImage, imageNames, removeImages, workshop } from './buildah.ts';
import { makeDebian } from './debian-root.ts';
import { keyOf } from './key.ts';

const npm = 'npm@11.19.1';

/** Of the build alone; the image keeps nothing of them. */
const buildPackages = ['binutils', 'ca-certificates'];

const names = { base: 'localhost/berth-base', build: 'localhost/berth-build' };

export interface Bases {
  readonly base: string;
  readonly build: string;
}

/** Makes the bases, or takes those of a former run if nothing has changed that they are made of. */
export async function ensureBases(say: (line: string) => void): Promise<Bases> {
  const sources = await readAptSources();
  const packages = (await readFile(join(checkout, 'scripts/image/packages'), 'utf8')).trim().split('\n');
  const key = await keyOf([], JSON.stringify([sources, packages, buildPackages, npm, process.versions.node]));
  const bases = { base: `${names.base}:${key}`, build: `${names.build}:${key}` };
  if ((await hasImage(bases.base)) && (await hasImage(bases.build))) return bases;
  await removeImages((await imageNames()).filter((name) => name.startsWith('localhost/')));
  say(`mmdebstrap ${sources.codename}: ${[...packages, ...buildPackages].join(' ')}`);
  await commitNew(bases.base, 'scratch', (root) =>
    makeDebian(root, sources, [...packages, ...buildPackages]),
  );
  say(`npm install ${npm}`);
  await commitNew(bases.build, bases.base, addNode);
  return bases;
}

/** Node of this checkout and npm of the registry: Debian's npm has some 400 packages. */
async function addNode(root: string): Promise<void> {
  const aside = join(workshop, 'npm');
  await execa('npm', ['install', '--global', '--prefix', aside, npm], { cwd: workshop, timeout: 5 * 60_000 });
  const modules = join(root, 'usr/local/lib/node_modules');
  const bin = join(root, 'usr/local/bin');
  await mkdir(modules, { recursive: true });
  await cp(join(aside, 'lib/node_modules/npm'), join(modules, 'npm'), { recursive: true });
  await cp(join(checkout, 'node_modules/node/bin/node'), join(bin, 'node'));
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(bin, 'npm'));
  await rm(aside, { recursive: true });
}

/** How the npm inside a build reaches the registry that the one out here reaches. */
export async function registryVolumes(): Promise<string[]> {
  const home = join(workshop, 'npm-cache');
  await mkdir(home, { recursive: true });
  const volumes = [`${home}:/root/.npm:rw`];
  const setting = async (name: string) =>
    (await execa('npm', ['config', 'get', name], { cwd: '/' })).stdout.trim();
  const isFile = (path: string | undefined): path is string =>
    path !== undefined && statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  const [userConfig, globalConfig] = [await setting('userconfig'), await setting('globalconfig')];
  // npm's own setting, which depends on where its Node is, or the variable that every Node goes by.
  const authorities = [await setting('cafile'), process.env.NODE_EXTRA_CA_CERTS].find(isFile);
  const settings = join(workshop, 'npmrc');
  const global = isFile(globalConfig) ? await readFile(globalConfig, 'utf8') : '';
  const trust = authorities === undefined ? '' : `cafile=${authorities}\n`;
  await writeFile(settings, `${global}\n${trust}`, { mode: 0o600 });
  volumes.push(`${settings}:/usr/local/etc/npmrc:ro`);
  if (isFile(userConfig)) volumes.push(`${userConfig}:/root/.npmrc:ro`);
  if (authorities !== undefined) volumes.push(`${authorities}:${authorities}:ro`);
  return volumes;
}
