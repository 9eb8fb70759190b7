import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../errors/usage-error.ts';

interface Named {
  readonly metadata: { readonly name: string; readonly namespace?: string | undefined };
  readonly spec: object;
  readonly status?: object | undefined;
}

/**
 * Each object once: several documents may have one repeatedly, as `kubectl get pv` and then `kubectl get pv,pvc`. Two
 * volumes for one would be two that write to one directory. Throws UsageError for two of one name that differ in what
 * is read of them: nobody can tell which one the cluster has.
 */
export function withoutRepeated<One extends Named>(kind: string, objects: readonly One[]): One[] {
  const kept = new Map<string, One>();
  for (const one of objects) {
    const { namespace, name } = one.metadata;
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    const earlier = kept.get(key);
    if (earlier === undefined) {
      kept.set(key, one);
      continue;
    }
    const field = difference(earlier, one);
    if (field === undefined) continue;
    throw new UsageError(
      `standard input: the ${kind} ${key} is there twice, and the two differ in ${field}; give each object once, as one "kubectl get pv,pvc --all-namespaces -o json" prints it`,
    );
  }
  return [...kept.values()];
}

/** The first field that is not the same in both. */
function difference(one: Named, other: Named): string | undefined {
  for (const section of ['metadata', 'spec', 'status'] as const) {
    const [left, right] = [fields(one[section]), fields(other[section])];
    for (const key of new Set([...left.keys(), ...right.keys()])) {
      // One that was written down without it may be the same object.
      if (key === 'uid' && !(left.has(key) && right.has(key))) continue;
      if (!isDeepStrictEqual(left.get(key), right.get(key))) return `${section}.${key}`;
    }
  }
  return undefined;
}

function fields(section: object = {}): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(section));
}
