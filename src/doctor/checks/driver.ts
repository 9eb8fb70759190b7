import { probeSocket } from '../../server/probe-socket.ts';
import { connectUnix } from '../connect-unix.ts';
import type { DoctorContext } from '../context.ts';
import { type Check, fail, ok } from '../finding.ts';

export const driver: Check<DoctorContext> = {
  name: 'driver',
  async run({ endpoint, timeoutMs }) {
    if (endpoint === undefined) return ok('No --endpoint was given, so no driver was asked for.');
    const problem = await connectUnix(endpoint, timeoutMs);
    if (problem !== undefined) {
      return fail(
        `No driver listens on ${endpoint}: ${problem}.`,
        'Start it, or correct --endpoint; its log says why it ended.',
      );
    }
    const silence = await probeSocket(endpoint, timeoutMs);
    if (silence === undefined) return ok(`A driver answers on ${endpoint}.`);
    return fail(`A process listens on ${endpoint}. ${silence}`, 'Restart the driver; its log says more.');
  },
};
