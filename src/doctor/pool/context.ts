import type { PoolConfig } from '../../config/schema.ts';
import type { DoctorContext } from '../context.ts';

/** What the checks of one pool look at. */
export interface PoolContext {
  readonly config: PoolConfig;
  readonly doctor: DoctorContext;
}

/** The mount options of an NFS pool, as the config has them; none for a local pool. */
export function optionsOf(config: PoolConfig): readonly string[] {
  return config.kind === 'nfs' ? config.nfs.mountOptions : [];
}
