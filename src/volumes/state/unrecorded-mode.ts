import type { BigIntStats } from 'node:fs';

/**
 * Modes of a directory that is made and not yet recorded. Nobody gives a directory of his own such a mode, so that one
 * with nothing in it, or an image alone, is known as what a killed CreateVolume has left. The owner may do all with it,
 * for whoever comes after a restart has to look into it, on exports with root_squash too. Those that are claimed (see
 * path-claims.ts) have another, so that a volume never takes over what one of the other kind is made of at the same
 * moment.
 */
export const unrecordedMode = { plain: 0o712, claimed: 0o721 };

export function hasUnrecordedMode(stats: BigIntStats): boolean {
  return Object.values(unrecordedMode).some((mode) => hasMode(stats, mode));
}

/** Whether it is a directory of just that mode. */
export function hasMode(stats: BigIntStats, mode: number): boolean {
  return stats.isDirectory() && Number(stats.mode & 0o7777n) === mode;
}
