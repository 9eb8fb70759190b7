// What is asked of a cluster: so many claims at once, so many pods at once.
import { claim, list, pod } from '../../test/kubernetes/bed/objects.ts';

const times = (count: number, make: (index: number) => object): string =>
  list(...Array.from({ length: count }, (_, index) => make(index)));

export function claims(count: number, storageClassName: string): string {
  return times(count, (index) => claim(`claim-${index}`, { storageClassName }));
}

/** Pods on one node; with a claim each of them uses it. */
export function pods(count: number, node: string, claimName?: string): string {
  const used = claimName === undefined ? {} : { claimName };
  return times(count, (index) => pod(`pod-${index}`, { node, ...used }));
}
