import { execa } from 'execa';
import type { AptSources } from './apt-sources.ts';

const leftOut = ['doc', 'info', 'locale', 'man'];

/** Makes the root filesystem of a small Debian with these packages, of the machine's own sources. As root. */
export async function makeDebian(
  root: string,
  { codename, entries, settings }: AptSources,
  packages: readonly string[],
): Promise<void> {
  await execa(
    'mmdebstrap',
    [
      '--quiet',
      '--mode=root',
      '--variant=apt',
      ...(packages.length === 0 ? [] : [`--include=${packages.join(',')}`]),
      ...settings.map((line) => `--aptopt=${line}`),
      '--dpkgopt=force-unsafe-io',
      ...leftOut.map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
      '--dpkgopt=path-include=/usr/share/doc/*/copyright',
      codename,
      root,
      ...entries,
    ],
    { timeout: 15 * 60_000, all: true },
  );
}
