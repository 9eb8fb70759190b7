import type { CsiError } from '../../errors/csi-error.ts';
import { CommandError } from '../../host/command-error.ts';
import { type Finding, fail } from '../finding.ts';
import { optionsOf, type PoolContext } from './context.ts';

/** Why a pool could not be mounted; the sentence says what to do about most of it. */
export function notExported({ config }: PoolContext, error: CsiError): Finding {
  return fail(error.message, hint(error, optionsOf(config)));
}

function hint(error: CsiError, options: readonly string[]): string | undefined {
  if (/refuses its export/.test(error.message)) {
    return options.includes('noresvport')
      ? 'The mount option noresvport needs the option insecure in the export; leave one out or add the other.'
      : 'The log of the server says which address it refused.';
  }
  // Here is no log.
  if (/the log has/.test(error.message) && error.cause instanceof CommandError) {
    return `It said: ${error.cause.stderr.trim().split('\n')[0]}`;
  }
  return undefined;
}
