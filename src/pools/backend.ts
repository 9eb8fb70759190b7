/** What differs between the ways to reach a pool's tree; one file each. */
export interface Backend {
  readonly kind: 'nfs' | 'local';
  /** The tree needs an fsync of a directory to make changes in it durable. */
  readonly needsSync: boolean;
  /**
   * Makes the tree reachable and says at which path. Called again to heal: it must then give a fresh view, not
   * the one that failed. Throws CsiError with the reason for people.
   */
  attach(): Promise<string>;
  /** Lets go of a path that attach gave. Never throws; what is stuck goes to the log. */
  detach(path: string): Promise<void>;
}
