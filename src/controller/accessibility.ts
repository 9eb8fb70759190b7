import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import { nodeSegments } from '../identity/topology.ts';
import { listNodes } from '../volumes/state/nodes.ts';
import type { Store } from '../volumes/stores.ts';
import type { Topology, TopologyRequirement } from '../wire/generated/csi-types.ts';

/** Nodes come and go seldom. */
const trustMs = 30_000;

/** What is told of a pool wherever something on it is described: from which nodes it can be reached; none for all. */
export interface DescribedPool {
  readonly name: string;
  readonly topologies: readonly Topology[];
}

/**
 * From which nodes what is on a pool can be reached. A share can from all of them, which is told by naming none; a local
 * pool from those that have announced themselves on it.
 */
export class Accessibility {
  readonly #driverName: string;
  /** The node that this same process serves. */
  readonly #ownNode: string | undefined;
  readonly #known = new Map<Store, { readonly topologies: readonly Topology[]; readonly at: number }>();

  constructor(driverName: string, ownNode?: string) {
    this.#driverName = driverName;
    this.#ownNode = ownNode;
  }

  async describe(store: Store): Promise<DescribedPool> {
    return { name: store.config.name, topologies: await this.#of(store) };
  }

  async #of(store: Store): Promise<readonly Topology[]> {
    if (store.config.kind !== 'local') return [];
    const known = this.#known.get(store);
    if (known !== undefined && performance.now() - known.at < trustMs) return known.topologies;
    const own = this.#ownNode === undefined ? [] : [this.#ownNode];
    const announced = await store.pool.use(listNodes);
    const topologies = [...new Set([...own, ...announced])].map((nodeId) => ({
      segments: nodeSegments(this.#driverName, nodeId),
    }));
    // A node that is about to announce itself is not to wait for long.
    if (topologies.length > 0) this.#known.set(store, { topologies, at: performance.now() });
    return topologies;
  }

  /** Whether something with these segments can reach the pool. */
  async reaches(store: Store, { segments }: Topology): Promise<boolean> {
    const topologies = await this.#of(store);
    return topologies.length === 0 || topologies.some((each) => isWithin(each.segments, segments));
  }

  /** Throws RESOURCE_EXHAUSTED where none of what is required can reach the pool (CSI TopologyRequirement). */
  async refuseUnreachable(store: Store, requirement: TopologyRequirement | null): Promise<void> {
    const { requisite = [], preferred = [] } = requirement ?? {};
    const wanted = requisite.length > 0 ? requisite : preferred;
    if (wanted.length === 0 || store.config.kind !== 'local') return;
    for (const topology of wanted) if (await this.reaches(store, topology)) return;
    throw new CsiError(
      status.RESOURCE_EXHAUSTED,
      'topology-unreachable',
      `The pool ${store.config.name} is on the disk of a node that the request leaves out; ask for a pool that can be reached from there, or have the pod run on that node.`,
    );
  }
}

/** Whether all that is asked for is so here; what is not asked for does not count. */
function isWithin(has: Readonly<Record<string, string>>, asked: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(has);
  return keys.every((key) => asked[key] === has[key]);
}
