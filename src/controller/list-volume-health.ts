import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import type { Store } from '../volumes/stores.ts';
import type {
  ControllerListVolumeHealthRequest,
  ControllerListVolumeHealthResponseInit,
} from '../wire/generated/csi-types.ts';
import { type Budget, startBudget } from './budget.ts';
import { formatPlace, keysAfter, type Place, type Pools, readPlace, storesFrom } from './pages.ts';
import { examine, type VolumeHealth } from './volume-conditions.ts';

/** Well below the 10 s and more that callers wait. Milliseconds. */
const budgetMs = 5_000;
/** What one page holds at most: gRPC's clients refuse an answer of more than 4 MiB. */
const largestPage = 5_000;
/** Volumes of one pool that are looked at together; the pool's gate has its calls go a few at a time. */
const together = 16;

/**
 * CSI ControllerListVolumeHealth (alpha): only the volumes that something is wrong with. Of a pool that is down, those
 * that this process has heard of. What cannot be told within the budget is left to the next page, also where no
 * maximum is given. Throws UNAVAILABLE where nothing at all could be told within it.
 */
export async function controllerListVolumeHealth(
  { stores }: { readonly stores: Pools },
  request: ControllerListVolumeHealthRequest,
  budget: Budget = startBudget(budgetMs),
): Promise<ControllerListVolumeHealthResponseInit> {
  const start = readPlace(stores, request);
  const maximum = Math.min(request.max_entries || largestPage, largestPage);
  const entries: VolumeHealth[] = [];
  /** All up to here is told. */
  let place = start;
  const page = () => ({ entries, next_token: place === undefined ? '' : formatPlace(place) });
  for (const store of storesFrom(stores, start)) {
    const looks = lookAt(store, start);
    for (;;) {
      const look = await budget.within(looks.next());
      if (look === undefined) {
        if (place === start) throw tooSlow(store);
        return page();
      }
      if (look.done) break;
      const { key, health } = look.value;
      place = { pool: store.config.name, key };
      if (health !== undefined && health.health_statuses.length > 0) entries.push(health);
      if (entries.length === maximum) return page();
    }
  }
  return { entries, next_token: '' };
}

interface Look {
  readonly key: string;
  readonly health: VolumeHealth | undefined;
}

/** Looks at the volumes of a pool behind a place, several together, and gives them in their order. */
async function* lookAt(store: Store, start: Place | undefined): AsyncGenerator<Look, void, undefined> {
  const keys = keysAfter(start, store, await keysOf(store));
  const ahead: Promise<Look>[] = [];
  let next = 0;
  for (;;) {
    for (const key of keys.slice(next, next + together - ahead.length)) {
      const look = examine(store, key).then((health) => ({ key, health }));
      // Nobody waits any more for those that come after the end of the page.
      look.catch(() => {});
      ahead.push(look);
      next += 1;
    }
    const first = ahead.shift();
    if (first === undefined) return;
    yield await first;
  }
}

async function keysOf({ pool, inventory }: Store): Promise<readonly string[]> {
  try {
    const { keys } = await pool.use((state, tree) => inventory.keys(state, tree));
    return keys;
  } catch (error) {
    if (!(error instanceof CsiError)) throw error;
    return inventory.remembered();
  }
}

function tooSlow({ config }: Store): CsiError {
  return new CsiError(
    status.UNAVAILABLE,
    'pool-unavailable',
    `The pool ${config.name} has not answered within ${budgetMs / 1_000} s; repeat the call.`,
  );
}
