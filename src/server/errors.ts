import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import type { Interceptor } from './call.ts';

/** Turns whatever a handler throws into a CsiError: an unknown error is INTERNAL, and only the log has its text. */
export const mapErrors: Interceptor = async (call, next) => {
  try {
    return await next();
  } catch (error) {
    if (error instanceof CsiError) throw error;
    throw new CsiError(
      status.INTERNAL,
      'internal',
      `${call.method} failed for a reason that Berth does not know; the driver's log has it.`,
      { cause: error },
    );
  }
};
