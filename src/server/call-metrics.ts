import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import type { Interceptor } from './call.ts';

/** Told of each call at its end: its path, such as `/csi.v1.Node/NodeGetInfo`, its status and how long it took. */
export type CallObserver = (path: string, code: status, seconds: number) => void;

/** Outside of the errors' mapping, validation and locks, so that a refused call counts as well. */
export function callMetrics(observe: CallObserver): Interceptor {
  return async ({ path }, next) => {
    const startedAt = performance.now();
    const end = (code: status) => observe(path, code, (performance.now() - startedAt) / 1000);
    try {
      const response = await next();
      end(status.OK);
      return response;
    } catch (error) {
      end(error instanceof CsiError ? error.code : status.INTERNAL);
      throw error;
    }
  };
}
