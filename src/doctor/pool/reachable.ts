import { connect, isIP } from 'node:net';
import { errnoName } from '../../errors/errno.ts';
import { CommandError } from '../../host/command-error.ts';
import { type Finding, fail, ok } from '../finding.ts';
import { optionsOf, type PoolContext } from './context.ts';

/** nfs(5): where every version of NFS listens over TCP. */
const port = 2049;

const meanings: Readonly<Record<string, string>> = {
  ECONNREFUSED: `refuses connections to port ${port}`,
  EHOSTUNREACH: 'is not on this network any more: no host answers at its address',
  ENETUNREACH: 'is on a network that this machine has no route to',
};

/** Whether something listens at the server's port, before a mount that would say less and take longer. */
export async function reachable({ config, doctor }: PoolContext): Promise<Finding> {
  if (config.kind === 'local') return ok('It is a directory of this machine.');
  const { server } = config.nfs;
  if (optionsOf(config).some((option) => /^(proto=)?(udp6?|rdma6?)$/.test(option))) {
    return ok(`${server} is not reached over TCP; the mount tells whether it answers.`);
  }
  const addresses = await addressesOf(server, doctor);
  if (addresses.length === 0) {
    return fail(
      `The name ${server} cannot be resolved.`,
      "Check it, and this machine's DNS; a pod in the host's network needs dnsPolicy: ClusterFirstWithHostNet for names of the cluster.",
    );
  }
  // mount.nfs goes through them until one answers.
  const findings = await Promise.all(addresses.map((address) => knock(server, address, doctor)));
  const found = findings.find(({ verdict }) => verdict === 'ok') ?? findings[0];
  if (found === undefined) throw new Error('no address was tried');
  return found;
}

/** In a command, whose deadline is kept: a look-up in this process holds a thread for as long as it likes. */
async function addressesOf(server: string, doctor: PoolContext['doctor']): Promise<readonly string[]> {
  const bare = server.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0) return [bare];
  try {
    const lines = await doctor.exec('getent', ['ahosts', bare], { timeoutMs: doctor.timeoutMs });
    return [...new Set(lines.match(/^\S+/gm))];
  } catch (error) {
    // Without getent, connect looks it up.
    if (error instanceof CommandError && error.exitCode === undefined && !error.timedOut) return [bare];
    return [];
  }
}

function knock(server: string, address: string, doctor: PoolContext['doctor']): Promise<Finding> {
  const { timeoutMs, signal } = doctor;
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const socket = connect({ host: address, port, signal });
    socket.setTimeout(timeoutMs, () =>
      end(
        fail(
          `${server} does not answer on port ${port} within ${timeoutMs / 1000} s.`,
          'Check that it runs, and that no firewall or network policy is between it and this machine.',
        ),
      ),
    );
    socket.once('connect', () => {
      const took = Math.max(1, Math.round(performance.now() - startedAt));
      end(
        ok(`${server} listens on port ${port} (${took} ms); it sees this machine as ${socket.localAddress}.`),
      );
    });
    socket.once('error', (error) => {
      const what = meanings[errnoName(error) ?? ''] ?? `cannot be reached (${errnoName(error)})`;
      end(fail(`${server} ${what}.`, 'Check that its NFS service runs, and the address in the config.'));
    });
    function end(finding: Finding): void {
      socket.destroy();
      resolve(finding);
    }
  });
}
