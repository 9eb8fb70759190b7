import { readMountinfo, topmostAt } from '../../host/mountinfo.ts';
import { type Finding, ok, warn } from '../finding.ts';

/** The version and transport that client and server have agreed upon. */
export function protocolOf(path: string): Finding {
  const version = agreed(path, 'vers') ?? 'unknown';
  const says = `NFSv${version} over ${agreed(path, 'proto') ?? 'tcp'}, sec=${securityOf(path)}.`;
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

/** The security flavour of an NFS mount (nfs(5), sec). */
export function securityOf(path: string): string {
  return agreed(path, 'sec') ?? 'sys';
}

function agreed(path: string, option: string): string | undefined {
  const options = topmostAt(readMountinfo(), path)?.superOptions.split(',') ?? [];
  return options.find((each) => each.startsWith(`${option}=`))?.slice(option.length + 1);
}
