import type { status } from '@grpc/grpc-js';

/**
 * The one error that reaches a caller: a gRPC code, a stable reason (see docs/errors.md) and a sentence for
 * people. The cause is for the log and is never sent.
 */
export class CsiError extends Error {
  readonly code: status;
  /** Stable, kebab-case; what docs/errors.md is sorted by. */
  readonly reason: string;

  constructor(code: status, reason: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CsiError';
    this.code = code;
    this.reason = reason;
  }
}
