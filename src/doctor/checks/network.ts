import { readFileSync } from 'node:fs';
import { isErrno } from '../../errors/errno.ts';
import { type DoctorContext, hasNfs } from '../context.ts';
import { type Check, ok, warn } from '../finding.ts';

/** Whether this is the network of a pod: an NFS mount dies with the network namespace that made it. */
export const network: Check<DoctorContext> = {
  name: 'network',
  async run(context) {
    if (!hasNfs(context)) return ok('No pool needs the network.');
    // Of this process's namespace, where /sys may be another's.
    const names = [...readFileSync('/proc/self/net/dev', 'utf8').matchAll(/^\s*(\S+):/gm)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'lo');
    if (names.length > 0 && !names.every(isLinkedElsewhere)) return ok("This is a host's network.");
    return warn(
      "This looks like a pod's own network. A controller is at home there; what a node plugin mounts there dies with the pod.",
      'Set hostNetwork: true for the node plugin.',
    );
  },
};

/** A pod's interface is one end of a pair; the index of the other end, in the host's namespace, is not its own. */
function isLinkedElsewhere(name: string): boolean {
  const read = (file: string) => readFileSync(`/sys/class/net/${name}/${file}`, 'utf8').trim();
  try {
    return read('iflink') !== read('ifindex');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return true;
    throw error;
  }
}
