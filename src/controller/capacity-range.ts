import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';

/** A CapacityRange in bytes; 0 stands for "not given" on both sides (CSI CapacityRange). */
export interface CapacityRange {
  readonly required: bigint;
  readonly limit: bigint;
}

/**
 * Reads a CapacityRange. Throws INVALID_ARGUMENT for a limit below the request; negative sizes do not come this far.
 */
export function readCapacityRange(
  range: { readonly required_bytes: string; readonly limit_bytes: string } | null | undefined,
): CapacityRange {
  const required = BigInt(range?.required_bytes ?? 0);
  const limit = BigInt(range?.limit_bytes ?? 0);
  if (limit !== 0n && limit < required) {
    throw new CsiError(
      status.INVALID_ARGUMENT,
      'capacity-range-invalid',
      `The capacity range cannot be used: its limit of ${limit} bytes is below the ${required} bytes that are required. Correct the request.`,
    );
  }
  return { required, limit };
}

/** Whether a volume of this size satisfies the range. */
export function fits(capacity: bigint, { required, limit }: CapacityRange): boolean {
  return capacity >= required && (limit === 0n || capacity <= limit);
}
