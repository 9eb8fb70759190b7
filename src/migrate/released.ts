import type { PersistentVolume } from './objects.ts';

/**
 * Whether its claim was deleted and its data is still there; `Failed`: its driver tried to delete that, and could not.
 */
export function isReleased({ status }: PersistentVolume): boolean {
  return status?.phase === 'Released' || status?.phase === 'Failed';
}
