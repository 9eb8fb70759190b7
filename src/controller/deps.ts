import type { NodeRecord } from '../volumes/nodes.ts';
import type { Stores } from '../volumes/stores.ts';

/** What the Controller's RPCs work with. */
export interface ControllerDeps {
  readonly stores: Stores;
  /** The node that this same process serves, which need not be looked up. */
  readonly ownNode?: NodeRecord;
}
