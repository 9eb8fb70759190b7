import { readMountinfo, topmostAt } from '../../host/mountinfo.ts';
import { type Finding, ok, warn } from '../finding.ts';

/** The version and transport that client and server have agreed upon. */
export function protocolOf(path: string): Finding {
  const options = topmostAt(readMountinfo(), path)?.superOptions.split(',') ?? [];
  const value = (name: string) =>
    options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  const version = value('vers') ?? 'unknown';
  const says = `NFSv${version} over ${value('proto') ?? 'tcp'}, sec=${value('sec') ?? 'sys'}.`;
  if (version.startsWith('4.')) {
    return version === '4.0'
      ? warn(
          says,
          'Put nfsvers=4.2 into the mount options: from 4.1 on, a client that died is known to the server.',
        )
      : ok(says);
  }
  return warn(says, 'Put nfsvers=4.2 into the mount options, where the server has it.');
}
