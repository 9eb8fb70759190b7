// The parts of Kubernetes' objects that a migration reads; everything else is let pass.
import * as z from 'zod/mini';
import { UsageError } from '../errors/usage-error.ts';
import { withoutRepeated } from './repeated.ts';

const optional = z.optional;
const texts = z.record(z.string(), z.string());

const metadata = z.object({
  name: z.string(),
  namespace: optional(z.string()),
  uid: optional(z.string()),
  labels: optional(texts),
  annotations: optional(texts),
  deletionTimestamp: optional(z.string()),
});

const persistentVolume = z.object({
  kind: z.literal('PersistentVolume'),
  metadata,
  spec: z.object({
    capacity: optional(z.record(z.string(), z.string())),
    accessModes: optional(z.array(z.string())),
    mountOptions: optional(z.array(z.string())),
    storageClassName: optional(z.string()),
    volumeMode: optional(z.string()),
    nodeAffinity: optional(z.unknown()),
    persistentVolumeReclaimPolicy: optional(z.string()),
    claimRef: optional(z.object({ namespace: z.string(), name: z.string(), uid: optional(z.string()) })),
    nfs: optional(z.object({ server: z.string(), path: z.string(), readOnly: optional(z.boolean()) })),
    csi: optional(
      z.object({
        driver: z.string(),
        volumeHandle: z.string(),
        readOnly: optional(z.boolean()),
        volumeAttributes: optional(texts),
      }),
    ),
  }),
  status: optional(z.object({ phase: optional(z.string()) })),
});

const claim = z.object({
  kind: z.literal('PersistentVolumeClaim'),
  metadata,
  spec: z.object({
    accessModes: optional(z.array(z.string())),
    storageClassName: optional(z.string()),
    volumeMode: optional(z.string()),
    resources: optional(z.unknown()),
    volumeName: optional(z.string()),
  }),
});

export type PersistentVolume = z.infer<typeof persistentVolume>;
export type Claim = z.infer<typeof claim>;

export interface Objects {
  readonly volumes: readonly PersistentVolume[];
  readonly claims: readonly Claim[];
}

/**
 * Picks PersistentVolumes and claims, each once; other kinds are passed over. Throws UsageError for one that is
 * malformed, and for two of one name that differ.
 */
export function pickObjects(values: readonly unknown[]): Objects {
  const volumes: PersistentVolume[] = [];
  const claims: Claim[] = [];
  for (const value of values) {
    const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
    if (kind === 'PersistentVolume') volumes.push(read(persistentVolume, value, kind));
    else if (kind === 'PersistentVolumeClaim') claims.push(read(claim, value, kind));
  }
  return {
    volumes: withoutRepeated('PersistentVolume', volumes),
    claims: withoutRepeated('PersistentVolumeClaim', claims),
  };
}

function read<Schema extends z.ZodMiniType>(schema: Schema, value: unknown, kind: string): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const path = result.error.issues[0]?.path.join('.') ?? '';
  throw new UsageError(
    `standard input: a ${kind} whose ${path || 'content'} is not what Kubernetes has there`,
  );
}
