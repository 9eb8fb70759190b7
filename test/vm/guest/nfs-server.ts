// One NFS server of the bed (guest/server.sh).
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Host } from './host.ts';

const script = join(import.meta.dirname, 'server.sh');

export class NfsServer {
  readonly host: Host;
  /** The exported directory as the test sees it, past NFS and its caches. */
  readonly export: string;

  constructor(name: string) {
    this.host = new Host(name);
    this.export = this.host.path('/srv/export');
  }

  get address(): string {
    return this.host.address;
  }

  cut(): Promise<void> {
    return this.host.cut();
  }

  restore(): Promise<void> {
    return this.host.restore();
  }

  /** Ends the NFS service: from now on connections are refused. Locks and open files are forgotten. */
  async stop(): Promise<void> {
    await this.host.run(script, 'stop');
  }

  /** Starts it again; for the grace period of 15 s only reclaims are answered. */
  async start(): Promise<void> {
    await this.host.run(script, 'start');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Replaces the exported file system by an empty one: what clients have open is stale from then on. */
  async rebuild(type: 'xfs' | 'ext4' = 'xfs'): Promise<void> {
    await this.host.run(script, 'rebuild', type);
  }

  /** The first blocks of a file below the export cannot be read any more, as on a disk that fails. */
  async spoil(file: string): Promise<void> {
    await this.host.run(script, 'spoil', `/srv/export/${file}`);
  }

  /** They can be read again. */
  async mend(): Promise<void> {
    await this.host.run(script, 'mend');
  }

  /** Exports with root_squash, or without as the bed does: root of a client is then nobody. */
  async squashRoot(squash: boolean): Promise<void> {
    await this.host.run(script, squash ? 'squash' : 'unsquash');
  }

  /** Moves the server to another address of 10.9.0.0/24; packets to the old one vanish. */
  async move(from: string, to: string): Promise<void> {
    // In this order: with its first address the kernel takes the later ones of the same network away too.
    await this.host.run('ip', 'address', 'delete', `${from}/24`, 'dev', 'eth0');
    await this.host.run('ip', 'address', 'add', `${to}/24`, 'dev', 'eth0');
  }
}

/** Sets what a name means on all hosts (they share /etc/hosts), as a change in the DNS would. */
export async function setName(name: string, address: string): Promise<void> {
  const lines = (await readFile('/etc/hosts', 'utf8')).split('\n');
  const others = lines.filter((line) => line !== '' && !line.split(/\s+/).includes(name));
  await writeFile('/etc/hosts', `${[...others, `${address} ${name}`].join('\n')}\n`);
}
