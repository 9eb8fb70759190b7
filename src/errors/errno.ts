import { constants } from 'node:os';

/** Errnos by number, as libuv counts them, for those that it has no name for: ESTALE and EDQUOT are such. */
const names = new Map(Object.entries(constants.errno).map(([name, number]) => [-number, name]));

/** The name of the errno that a system call failed with; undefined for any other value. */
export function errnoName(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  const number = 'errno' in error && typeof error.errno === 'number' ? error.errno : undefined;
  return error.code.startsWith('Unknown system error') ? names.get(number ?? 0) : error.code;
}

/** True for an error of a system call with one of these errnos, or with any where none is named. */
export function isErrno(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  const name = errnoName(error);
  return name !== undefined && (codes.length === 0 || codes.includes(name));
}

/** Waits for a call, and takes these errnos for success. */
export async function ignoring(call: Promise<void>, ...codes: readonly string[]): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isErrno(error, ...codes)) throw error;
  }
}
