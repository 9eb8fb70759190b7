import type { Mount } from '../src/host/mountinfo.ts';
import type { CsiClient } from '../test/csi/client.ts';

/** A node of the story: a node plugin, and a machine that pods run on. */
export interface WorldNode {
  readonly id: string;
  readonly client: CsiClient;
  /** An existing directory of this node, for what kubelet would have below its own. */
  readonly directory: string;
  /** Runs a shell command there, as a pod would, and gives its output. */
  shell(command: string): Promise<string>;
  /** The kernel's mount table there. */
  mounts(): readonly Mount[];
}

/** A server that can be cut off. */
export interface WorldServer {
  readonly address: string;
  cut(): Promise<void>;
  restore(): Promise<void>;
}

/** Where the story is told: a VM with NFS servers, or one machine with a directory. */
export interface World {
  readonly controller: CsiClient;
  readonly nodes: { readonly a: WorldNode; readonly b: WorldNode };
  readonly pool: string;
  /** Where the pool's tree lies, past every mount: the server's own disk. */
  readonly tree: string;
  /** For people. */
  readonly treeName: string;
  /** Absent where there is no server to cut off. */
  readonly server?: WorldServer;
  /** A pool that shares nothing with the first. */
  readonly otherPool: string;
  /** Ends the driver's processes in order; true if each drained and ended with status 0. */
  stop(): Promise<boolean>;
}
