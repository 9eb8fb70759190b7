import { CsiError } from '../errors/csi-error.ts';
import { filesystemAsked, readCapability } from '../volumes/capability.ts';
import { imageAsked, kindOf } from '../volumes/kind.ts';
import { readParameters } from '../volumes/parameters.ts';
import type { GetCapacityRequest, GetCapacityResponseInit } from '../wire/generated/csi-types.ts';
import type { ControllerDeps } from './deps.ts';

/** CSI GetCapacity: what is free on the pool, in bytes; none for a capability that Berth cannot serve. */
export async function getCapacity(
  { stores, accessibility }: ControllerDeps,
  request: GetCapacityRequest,
): Promise<GetCapacityResponseInit> {
  // The values of subDir's tokens come with a claim, and there is none yet.
  const { subDir: _, ...parameters } = request.parameters;
  const read = readParameters(parameters, '');
  const store = stores.choose(read.pool);
  try {
    // A class with "allocation" is one of images; external-provisioner leaves its filesystem out here.
    const isNamed = request.volume_capabilities.some((each) => filesystemAsked(each) !== undefined);
    const fsType = read.fsType ?? (read.thick === undefined || isNamed ? undefined : 'ext4');
    const asked = { ...read, ...(fsType === undefined ? {} : { fsType }) };
    const kind = kindOf(imageAsked(request.volume_capabilities, asked), store.config.kind);
    for (const capability of request.volume_capabilities) readCapability(capability, kind);
  } catch (error) {
    if (error instanceof CsiError) return { available_capacity: '0' };
    throw error;
  }
  // A node whose disk the pool is not on has none of it.
  const asked = request.accessible_topology;
  if (asked !== null && !(await accessibility.reaches(store, asked))) return { available_capacity: '0' };
  const { bavail, bsize } = await store.pool.use((state, tree) => tree.statfs(state.root));
  return { available_capacity: (bavail * bsize).toString() };
}
