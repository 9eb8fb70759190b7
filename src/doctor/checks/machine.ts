import type { DoctorContext } from '../context.ts';
import type { Check } from '../finding.ts';
import { driver } from './driver.ts';
import { kernelNfs } from './kernel-nfs.ts';
import { loopDevices } from './loop-devices.ts';
import { mountHelpers } from './mount-helpers.ts';
import { network } from './network.ts';
import { propagation } from './propagation.ts';
import { registration } from './registration.ts';
import { user } from './user.ts';

/** The checks of the machine, in the order of the report. */
export const machineChecks: readonly Check<DoctorContext>[] = [
  user,
  kernelNfs,
  mountHelpers,
  loopDevices,
  network,
  propagation,
  driver,
  registration,
];
