import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { execa } from 'execa';

/** What the VM is made of on Debian; it boots the cloud kernel over this machine's own root file system. */
const packages = [
  'qemu-system-x86',
  'qemu-system-common',
  'linux-image-cloud-amd64',
  'busybox-static',
  'cpio',
  'kmod',
  'iproute2',
  'nfs-common',
  'nfs-kernel-server',
  'rpcbind',
  'xfsprogs',
];

/** Installs what the VM needs, if this machine is a Debian and its owner agrees. Says what it does. */
export async function installPackages(say: (line: string) => void): Promise<boolean> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false;
  say(`The VM needs these Debian packages: ${packages.join(' ')}`);
  if (process.stdin.isTTY && !(await agreed())) return false;
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const run = { env, reject: false, stdin: 'ignore', all: true } as const;
  const update = await execa(run)`apt-get update --quiet=2`;
  const install = await execa(run)`apt-get install --quiet=2 --yes --no-install-recommends ${packages}`;
  if (!install.failed) return true;
  say('They could not be installed:');
  for (const line of `${update.failed ? update.all : ''}\n${install.all}`.trim().split('\n').slice(-5)) {
    say(`  ${line}`);
  }
  return false;
}

async function agreed(): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('  Install them with apt-get? [Y/n] ');
  terminal.close();
  return !/^n/i.test(answer.trim());
}
