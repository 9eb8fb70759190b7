import type { ServiceError } from '@grpc/grpc-js';

/** Fails unless the call fails with this gRPC code; returns the sentence that came with it. */
export async function refused(call: Promise<unknown>, code: number): Promise<string> {
  try {
    await call;
  } catch (error) {
    const { code: found, details } = error as ServiceError;
    if (found === code) return details;
    throw new Error(`expected code ${code}, got ${found}: ${details}`);
  }
  throw new Error(`expected code ${code}, but the call succeeded`);
}
