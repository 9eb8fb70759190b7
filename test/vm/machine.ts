// What the VM is made of on this machine: QEMU, virtiofsd, busybox, a Debian cloud kernel.
import { existsSync, readdirSync } from 'node:fs';

export interface VmPrograms {
  readonly qemu: string;
  readonly virtiofsd: string;
  readonly busybox: string;
  /** Release of the kernel, as in /lib/modules. */
  readonly kernelRelease: string;
  readonly kernelImage: string;
}

const firstPresent = (...paths: string[]): string | undefined => paths.find((path) => existsSync(path));

/** By number, so that 6.1.0-100 counts as newer than 6.1.0-56. */
const newest = (names: string[]): string | undefined =>
  names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);

const cloudKernel = (): string | undefined =>
  existsSync('/lib/modules')
    ? newest(
        readdirSync('/lib/modules').filter(
          (release) => release.endsWith('-cloud-amd64') && existsSync(`/boot/vmlinuz-${release}`),
        ),
      )
    : undefined;

/** The programs, or a sentence that says which one is missing. */
export function findVmPrograms(): VmPrograms | string {
  const qemu = firstPresent('/usr/bin/qemu-system-x86_64');
  const virtiofsd = firstPresent('/usr/lib/qemu/virtiofsd', '/usr/libexec/virtiofsd');
  const busybox = firstPresent('/bin/busybox');
  const kernelRelease = cloudKernel();
  if (process.getuid?.() !== 0) return 'the VM shares the root filesystem, which needs root';
  if (qemu === undefined) return 'QEMU is missing (package qemu-system-x86)';
  if (virtiofsd === undefined) return 'virtiofsd is missing (package qemu-system-common or virtiofsd)';
  if (busybox === undefined) return 'busybox is missing (package busybox-static)';
  if (kernelRelease === undefined) return 'a cloud kernel is missing (package linux-image-cloud-amd64)';
  return { qemu, virtiofsd, busybox, kernelRelease, kernelImage: `/boot/vmlinuz-${kernelRelease}` };
}
