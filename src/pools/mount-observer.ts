/** A mount or unmount that has ended, for whoever counts them. */
export interface MountEvent {
  readonly operation: 'mount' | 'unmount';
  /** The pool that was mounted or unmounted; undefined where it was a volume at its target path. */
  readonly pool: string | undefined;
  readonly succeeded: boolean;
  readonly seconds: number;
}

export type MountObserver = (event: MountEvent) => void;

/**
 * Does the work and tells the observer of it; unless the work gives false, which means that there was nothing to do.
 * Throws what the work throws.
 */
export async function observed<T>(
  observe: MountObserver,
  what: Pick<MountEvent, 'operation' | 'pool'>,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  const end = (succeeded: boolean) =>
    observe({ ...what, succeeded, seconds: (performance.now() - startedAt) / 1000 });
  let result: T;
  try {
    result = await work();
  } catch (error) {
    end(false);
    throw error;
  }
  if (result !== false) end(true);
  return result;
}
