import type { PoolHealth } from '../pools/pool.ts';
import type { RegistrationState } from '../registration/kubelet-registration.ts';

export type Phase = 'starting' | 'serving' | 'draining';

export interface PoolState {
  readonly name: string;
  readonly health: PoolHealth;
  /** Whether it could be used at any time since the start. */
  readonly reached: boolean;
}

export interface Readiness {
  readonly ready: boolean;
  /** A sentence; empty where it is ready. */
  readonly reason: string;
}

/**
 * Whether Kubernetes should count the pod as ready. Nothing is sent to a pod by that, but a rollout waits for it and a
 * disruption budget counts it. So a config with which no pool can be used, or a node plugin that kubelet refuses, is
 * stopped at the first pod that gets it; but a server that dies later must not make every pod unready, which would
 * keep nodes from being drained and bring nothing back.
 */
export function readiness(
  phase: Phase,
  pools: readonly PoolState[],
  registration?: RegistrationState,
): Readiness {
  if (phase === 'starting') return notReady('The driver is starting.');
  if (phase === 'draining') return notReady('The driver is ending and takes no more calls.');
  if (pools.length > 0 && !pools.some(({ reached }) => reached)) {
    return notReady('No pool could be reached since the start; what is wrong with each is said below.');
  }
  if (registration?.state === 'waiting') return notReady('kubelet has not registered the driver yet.');
  if (registration?.state === 'refused') {
    return notReady(`kubelet refuses the driver: ${registration.reason || 'it gave no reason'}`);
  }
  return { ready: true, reason: '' };
}

function notReady(reason: string): Readiness {
  return { ready: false, reason };
}

/** For people: the verdict, then a line for each pool. */
export function readinessText({ ready, reason }: Readiness, pools: readonly PoolState[]): string {
  const lines = pools.map(({ name, health }) =>
    health.reason === ''
      ? `pool ${name}: ${health.state}`
      : `pool ${name}: ${health.state}: ${health.reason}`,
  );
  return [ready ? 'ready' : `not ready: ${reason}`, ...lines].join('\n');
}

export function readinessJson({ ready, reason }: Readiness, pools: readonly PoolState[]): string {
  const each = pools.map(({ name, health: { state, reason: why } }) => ({ name, state, reason: why }));
  return JSON.stringify({ ready, reason, pools: each });
}
