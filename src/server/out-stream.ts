import { once } from 'node:events';
import { type ServerWritableStream, status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import type { Stream } from '../wire/csi.ts';

/** The answer of a streaming RPC, as its handler sees it. */
export function outStream(call: ServerWritableStream<unknown, object>): Stream<object> {
  const gone = new AbortController();
  call.once('cancelled', () => gone.abort());
  if (call.cancelled) gone.abort();
  const { signal } = gone;
  return {
    signal,
    async send(message) {
      if (signal.aborted) throw callerGone();
      if (call.write(message)) return;
      try {
        await once(call, 'drain', { signal });
      } catch {
        throw callerGone();
      }
    },
  };
}

/** What fails since the caller has gone, as all work for him is ended then, fails with that. */
export async function orCallerGone({ signal }: Stream<object>, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw signal.aborted ? callerGone() : error;
  }
}

function callerGone(): CsiError {
  return new CsiError(
    status.CANCELLED,
    'caller-gone',
    'The caller has gone, or its time is over, so the rest of the answer was not sent; repeat the call from where it ended.',
  );
}
