import type { PoolConfig } from '../../config/schema.ts';
import type { Step } from './measurement.ts';

/**
 * Steps that say nothing of a pool: a local one is of this machine, locks may be this machine's by an option, and with
 * Kerberos a user without a ticket is let in by no group. `security`: the mount's flavour (nfs(5), sec).
 */
export function meaningless(config: PoolConfig, security: string): readonly Step[] {
  if (config.kind === 'local') return ['groups', 'clock', 'locks'];
  const localLocks = config.nfs.mountOptions.some((option) =>
    /^(nolock|local_lock=(all|flock))$/.test(option),
  );
  return [...(security === 'sys' ? [] : (['groups'] as const)), ...(localLocks ? (['locks'] as const) : [])];
}
