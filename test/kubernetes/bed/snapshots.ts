// What a cluster needs beside Berth to take snapshots: their CRDs, and the images of those who work on them.
import { snapshotDefinitions } from './go-programs.ts';
import { snapshotImages } from './images.ts';
import type { Kubectl } from './kubectl.ts';

/** Whether a cluster with these images is to take snapshots. */
export function takesSnapshots(images: readonly string[]): boolean {
  return snapshotImages.every((image) => images.includes(image));
}

/** Makes the snapshots' kinds known to the API server, as docs/kubernetes.md has users do it. */
export async function defineSnapshots(kubectl: Kubectl): Promise<void> {
  await kubectl.run(['apply', '--kustomize', await snapshotDefinitions()]);
  await kubectl.run([
    'wait',
    '--for',
    'condition=Established',
    '--timeout',
    '60s',
    ...(await definitions(kubectl)),
  ]);
}

/** Whether they are known there. */
export async function hasSnapshots(kubectl: Kubectl): Promise<boolean> {
  return (await definitions(kubectl)).length > 0;
}

/** Those of the kinds that no namespace has, as `kubectl get` takes them. */
export const snapshotContents = 'volumesnapshotcontents,volumegroupsnapshotcontents';

async function definitions(kubectl: Kubectl): Promise<string[]> {
  const names = (await kubectl.run(['get', 'customresourcedefinitions', '--output', 'name'])).split('\n');
  return names.filter((name) => name.includes('snapshot.storage.k8s.io'));
}
