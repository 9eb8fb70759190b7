import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceError } from '@grpc/grpc-js';
import { code } from './requests.ts';

const attempts = 10;
const pauseMs = 500;

/**
 * Repeats what met a call's deadline, or a call before it that is still under way, as kubelet and the sidecars do: how
 * many calls at once end in time is another number on each machine. Other failures, and the tenth, are thrown.
 */
export async function untilDone<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const { code: found } = error as Partial<ServiceError>;
      if ((found !== code.deadline && found !== code.aborted) || attempt === attempts) throw error;
    }
    await delay(pauseMs);
  }
}
