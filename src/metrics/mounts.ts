import { Histogram, type Registry } from 'prom-client';
import type { MountObserver } from '../pools/mount-observer.ts';

/** From a bind mount's 5 ms to the 30 s after which the mount of a pool is given up. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60];

/** Mounts and unmounts, of pools and of volumes at their target paths. */
export function mountsMetric(registry: Registry): MountObserver {
  const ofPools = new Histogram({
    name: 'berth_pool_mount_seconds',
    help: 'Duration of mounts and unmounts of a pool, for the use of the controller or of the node.',
    labelNames: ['pool', 'operation', 'result'],
    buckets,
    registers: [registry],
  });
  const ofVolumes = new Histogram({
    name: 'berth_volume_mount_seconds',
    help: 'Duration of bind mounts and unmounts of volumes at their target paths.',
    labelNames: ['operation', 'result'],
    buckets,
    registers: [registry],
  });
  return ({ operation, pool, succeeded, seconds }) => {
    const result = succeeded ? 'ok' : 'error';
    if (pool === undefined) ofVolumes.observe({ operation, result }, seconds);
    else ofPools.observe({ pool, operation, result }, seconds);
  };
}
