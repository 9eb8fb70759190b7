// What the measurements know of a server and of the drivers on it.
import type { OperationCounts } from '../../test/vm/guest/mountstats.ts';
import type { Contestant } from '../contestant.ts';
import type { CountedCalls, Samples } from '../figures.ts';

export interface Side {
  readonly name: 'berth' | 'peer';
  readonly contestant: Contestant;
  readonly samples: Samples;
}

export interface Server {
  /** The directory that it exports, past NFS. */
  readonly root: string;
  readonly sides: readonly Side[];
  /** Of Berth, by what was measured. */
  readonly operations: Record<string, CountedCalls>;
  /** Brings server and client into the state that each measurement begins with: nothing to write, nothing cached. */
  settle(): Promise<void>;
  /** NFS operations that Berth's mount has sent so far. */
  sent(): OperationCounts;
}
