// This machine's own Debian sources and apt settings, so that a base is made from the mirror that works here.
import { execa } from 'execa';

export interface AptSources {
  /** The release's name, as bookworm. */
  readonly codename: string;
  /** One-line entries of sources.list(5). */
  readonly entries: readonly string[];
  /** Lines of apt.conf(5): proxies and the like. */
  readonly settings: readonly string[];
}

const fields = ['ORIGIN', 'COMPONENT', 'CODENAME', 'REPO_URI', 'RELEASE'];

/** Reads them; throws where this is no Debian, or its package lists were never fetched. */
export async function readAptSources(): Promise<AptSources> {
  const format = fields.map((field) => `$(${field})`).join('|');
  const { stdout } = await execa('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const main = stdout
    .split('\n')
    .map((line) => line.split('|'))
    .filter(([origin, component]) => origin === 'Debian' && component === 'main');
  // The release itself is the shortest of bookworm, bookworm-updates and bookworm-security.
  const [codename] = main.map(([, , name = '']) => name).sort((one, other) => one.length - other.length);
  if (codename === undefined) {
    throw new Error(
      'The image\'s base is made from this machine\'s Debian sources, and there are none; run "apt-get update" on a Debian, or build with docker.',
    );
  }
  return {
    codename,
    entries: main.map(([, , , uri, release]) => `deb ${uri} ${release} main`),
    settings: await readSettings(),
  };
}

/** Settings about reaching the mirror; the rest is this machine's own matter. */
async function readSettings(): Promise<string[]> {
  const { stdout } = await execa('apt-config', ['dump', 'Acquire']);
  return stdout
    .split('\n')
    .filter((line) => /^Acquire::(https?::|Check-|Retries|ForceIPv)[^\s]* "[^"]+";$/.test(line));
}
