import type { CsiError } from '../../errors/csi-error.ts';
import { type Finding, fail } from '../finding.ts';
import { optionsOf, type PoolContext } from './context.ts';

/** Why a pool could not be mounted; the sentence says what to do about most of it. */
export function notExported({ config }: PoolContext, error: CsiError): Finding {
  const denied = /refuses its export/.test(error.message);
  if (denied && optionsOf(config).includes('noresvport')) {
    return fail(
      error.message,
      'The mount option noresvport needs the option insecure in the export; leave one out or add the other.',
    );
  }
  return fail(error.message, denied ? 'The log of the server says which address it refused.' : undefined);
}
