import type { Dir } from './tree.ts';

/** What differs between the ways to reach a pool's tree; one file each. */
export interface Backend {
  readonly kind: 'nfs' | 'local';
  /** The tree needs an fsync of a directory to make changes in it durable. */
  readonly needsSync: boolean;
  /**
   * Makes the tree reachable and says at which path. Called again to heal: it must then give a fresh view, not
   * the one that failed. What is missing may be made only with `make`. Throws CsiError with the reason for people.
   */
  attach(options: { readonly make: boolean }): Promise<string>;
  /** Whether what is held open is what the path leads to. Absent where the tree itself tells of it, by ESTALE. */
  isCurrent?(root: Dir): Promise<boolean>;
  /** Lets go of a path that attach gave. Never throws; what is stuck goes to the log. */
  detach(path: string): Promise<void>;
}
