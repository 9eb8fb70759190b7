import type { Logger } from 'pino';
import type { KeyedMutex } from '../volumes/keyed-mutex.ts';
import type { NodeRecord } from '../volumes/state/nodes.ts';
import type { Stores } from '../volumes/stores.ts';
import type { Accessibility } from './accessibility.ts';

/** What the Controller's RPCs work with. */
export interface ControllerDeps {
  readonly stores: Stores;
  readonly log: Logger;
  readonly accessibility: Accessibility;
  /** By node: counting what a node with a limit has, and adding to it, is one step. */
  readonly limitedNodes: KeyedMutex;
  /** The node that this same process serves, which need not be looked up. */
  readonly ownNode?: NodeRecord;
  /** Every node has a controller, with pools of its own. */
  readonly isOneOfMany?: boolean;
}
