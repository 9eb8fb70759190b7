import type { Logger } from 'pino';
import type { PoolConfig } from '../config/schema.ts';
import type { Run } from '../host/run.ts';
import type { Mode } from '../settings.ts';

/** What the checks of the machine look at. */
export interface DoctorContext {
  /** The pools that are asked about. */
  readonly pools: readonly PoolConfig[];
  /** Mounts are made below `<stateDir>/doctor`. */
  readonly stateDir: string;
  /** This node's name; undefined where it was not given. */
  readonly nodeId: string | undefined;
  /** Path of the CSI socket; undefined where none was given. */
  readonly endpoint: string | undefined;
  readonly registrationSocket: string | undefined;
  /** kubelet's own folder, /var/lib/kubelet as a rule. */
  readonly kubeletDir: string;
  /** Of the driver in this container; undefined where there is none. */
  readonly mode: Mode | undefined;
  /** For each step: reaching a server, mounting its export, working on it. Milliseconds. */
  readonly timeoutMs: number;
  /** What a process of this program may take to start here, in milliseconds. */
  readonly startMs: number;
  /** Aborted when the doctor is told to end. */
  readonly signal: AbortSignal;
  /** Runs a command, which ends at once when the doctor is told to. */
  readonly exec: Run;
  /** For what the code of the pools logs. */
  readonly log: Logger;
}

export function hasNfs({ pools }: Pick<DoctorContext, 'pools'>): boolean {
  return pools.some(({ kind }) => kind === 'nfs');
}
