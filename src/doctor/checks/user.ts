import type { DoctorContext } from '../context.ts';
import { type Check, fail, ok } from '../finding.ts';

export const user: Check<DoctorContext> = {
  name: 'user',
  async run() {
    if (process.getuid?.() !== 0) {
      return fail(
        'This is not run by root, so nothing can be mounted.',
        'Run it as root, in the pod of Berth or on the node.',
      );
    }
    return ok('It is run by root.');
  },
};
