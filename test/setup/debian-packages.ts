// Debian packages: the VM's machine and kernel, the NFS server and client, the tools that the driver runs.
import { existsSync, readFileSync } from 'node:fs';
import { execa } from 'execa';

/** virtiofsd shares the root filesystem with the VM. QEMU's packages have it up to Debian 12, one of its own later. */
function packageOfVirtiofsd(osRelease: string): readonly string[] {
  const version = /^VERSION_ID="?(\d+)/m.exec(osRelease)?.[1];
  // Debian's testing and unstable have no number.
  return version === undefined || Number(version) >= 13 ? ['virtiofsd'] : [];
}

const osRelease = '/etc/os-release';

export const vmPackages: readonly string[] = [
  'cpio',
  'busybox-static',
  'qemu-system-x86',
  'linux-image-cloud-amd64',
  'nfs-common',
  'nfs-kernel-server',
  'rpcbind',
  'iproute2',
  'xfsprogs',
  'e2fsprogs',
  'kmod',
  'dmsetup',
  ...packageOfVirtiofsd(existsSync(osRelease) ? readFileSync(osRelease, 'utf8') : ''),
];

/** What a Kubernetes node runs beside containerd and kubelet, and what its images are made with. */
export const clusterPackages: readonly string[] = [
  'runc',
  'containernetworking-plugins',
  'iptables',
  'conntrack',
  'openssl',
  // What docs/migrating.md has people run.
  'jq',
];

/** Which of these are not installed. */
export async function missingPackages(packages: readonly string[]): Promise<string[]> {
  const { stdout } = await execa({
    reject: false,
  })`dpkg-query --show --showformat=${'${Package} ${db:Status-Status}\n'} ${packages}`;
  const installed = new Set(stdout.split('\n').filter((line) => line.endsWith(' installed')));
  return packages.filter((name) => !installed.has(`${name} installed`));
}

/** Installs what is missing. Returns a line that says what could not be had, or undefined if all is there. */
export async function ensurePackages(packages: readonly string[]): Promise<string | undefined> {
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg-query')) {
    return `this is no Debian machine; needed are the equivalents of: ${packages.join(' ')}`;
  }
  const missing = await missingPackages(packages);
  if (missing.length === 0) return undefined;
  const command = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0) return `packages are missing; as root: ${command}`;
  console.log(`setup: ${command}`);
  const apt = execa({
    all: true,
    reject: false,
    timeout: 15 * 60_000,
    // The postinst scripts of servers would start them: the tests run their own, in the VM.
    env: { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
  });
  const updated = await apt`apt-get --quiet update`;
  const installed = await apt`apt-get --quiet --yes --no-install-recommends install ${missing}`;
  if (installed.exitCode === 0) return undefined;
  return [`packages could not be installed: ${command}`, updated.all, installed.all].join('\n');
}
