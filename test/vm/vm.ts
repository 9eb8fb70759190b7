// Boots the throw-away VM for one command and takes its output and exit status back.
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { askMonitor, describeProcess } from './hang.ts';
import { buildInitrd } from './initrd.ts';
import { findVmPrograms, type VmPrograms } from './machine.ts';

export const checkout = resolve(import.meta.dirname, '..', '..');

/** The kernel's command line is cut at 2,048 bytes (COMMAND_LINE_SIZE). */
const maxCommandLine = 2000;

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface VmOptions {
  /** Run by bash as root in the checkout; nothing it writes survives the VM. */
  readonly command: string;
  readonly memoryMegabytes?: number;
  /** The VM is ended after this many milliseconds, and the run has failed. */
  readonly timeout: number;
  /** And when it has written no line for this many milliseconds. */
  readonly silence?: number;
  /** Called with each line of the command's output as it comes. */
  readonly onLine?: (line: string) => void;
  /** A network card on this tap device. */
  readonly network?: VmNetwork;
  /** A raw image that the VM has as /dev/vda; what it writes there is thrown away with it. */
  readonly disk?: string;
  /** A UNIX socket to make, which is the other end of the virtio serial port berth.shell. */
  readonly shellSocket?: string;
}

export interface VmNetwork {
  /** A named network namespace (ip-netns). */
  readonly namespace: string;
  readonly tap: string;
  readonly hardwareAddress: string;
}

export interface VmResult {
  /** Undefined: the VM ended without the command having ended. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  /** What the kernel wrote on its console; empty as a rule. */
  readonly console: string;
}

export interface Vm {
  /** Resolves when the VM has ended, for whatever reason, and nothing of it is left. */
  readonly ended: Promise<VmResult>;
  /** Ends it as a loss of power does. */
  powerOff(): void;
  /** For one that hangs: its console, what its processors do, and what the programs that run it wait for. */
  describe(): Promise<string>;
}

/** Boots the VM, runs the command, ends everything that was started. */
export async function runInVm(options: VmOptions): Promise<VmResult> {
  return (await startVm(options)).ended;
}

/** Boots a VM that runs the command. It ends with the command, and at the latest with this process. */
export async function startVm(options: VmOptions): Promise<Vm> {
  const programs = findVmPrograms();
  if (typeof programs === 'string') throw new Error(`cannot boot the VM: ${programs}`);
  const initrd = await buildInitrd(programs);
  const work = await mkdtemp(join(tmpdir(), 'berth-vm-'));
  const leave = (): void => rmSync(work, { recursive: true, force: true });
  process.once('exit', leave);
  // A signal would end this process without its exit handlers.
  const onSignal = (): never => process.exit(1);
  for (const signal of endingSignals) process.once(signal, onSignal);
  const started: ChildProcess[] = [];
  const cleanUp = async (): Promise<void> => {
    for (const child of started.reverse()) await end(child);
    for (const signal of endingSignals) process.off(signal, onSignal);
    process.off('exit', leave);
    leave();
  };
  try {
    const virtiofsd = spawnBound(programs.virtiofsd, [
      `--socket-path=${work}/fs.sock`,
      '-o',
      'source=/',
      '-o',
      'cache=always',
      '-o',
      'sandbox=chroot',
    ]);
    started.push(virtiofsd);
    // Its log is of no use, but a full pipe would stop it.
    virtiofsd.stderr.resume();
    await socketOf(virtiofsd, `${work}/fs.sock`);

    // Input stays open but silent: at its end QEMU would report the output port as unplugged.
    const qemu = spawnBound(
      programs.qemu,
      qemuArguments(programs, initrd, work, options),
      options.network?.namespace,
    );
    started.push(qemu);
    return {
      ended: follow(qemu, work, options).finally(cleanUp),
      powerOff: () => void qemu.kill('SIGKILL'),
      describe: async () =>
        [
          await readFile(`${work}/console`, 'utf8').catch(String),
          await askMonitor(`${work}/monitor`, 'info registers -a').catch(String),
          ...(await Promise.all(started.map(describeProcess))),
        ].join('\n'),
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

/** Passes the output on until QEMU has ended, and reads what it left. */
async function follow(
  qemu: ChildProcessWithoutNullStreams,
  work: string,
  { timeout, silence, onLine }: VmOptions,
): Promise<VmResult> {
  let timedOut = false;
  let complaints = '';
  qemu.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const giveUp = (): void => {
    timedOut = true;
    qemu.kill('SIGKILL');
  };
  const deadline = setTimeout(giveUp, timeout);
  const patience = silence === undefined ? undefined : setTimeout(giveUp, silence);
  const closed = once(qemu, 'close');
  for await (const line of createInterface(qemu.stdout)) {
    patience?.refresh();
    onLine?.(line);
  }
  await closed;
  clearTimeout(deadline);
  clearTimeout(patience);

  const exit = await readFile(`${work}/exit`, 'utf8').catch(() => '');
  const kernelConsole = await readFile(`${work}/console`, 'utf8').catch(() => '');
  return {
    exitCode: /^\d+$/m.test(exit) ? Number.parseInt(exit, 10) : undefined,
    timedOut,
    console: (kernelConsole + complaints).trim(),
  };
}

/** Starts a child that the kernel ends together with this process, even if this one is killed. */
function spawnBound(
  program: string,
  args: readonly string[],
  networkNamespace?: string,
): ChildProcessWithoutNullStreams {
  const bound = ['--pdeathsig', 'KILL', program, ...args];
  return networkNamespace === undefined
    ? spawn('setpriv', bound, { stdio: 'pipe' })
    : spawn('nsenter', [`--net=/run/netns/${networkNamespace}`, 'setpriv', ...bound], { stdio: 'pipe' });
}

/** A child that has been started is ended whatever happened, by its own id. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Waits for the socket that virtiofsd makes when it is ready. */
async function socketOf(virtiofsd: ChildProcess, socket: string): Promise<void> {
  const made = () =>
    stat(socket).then(
      () => true,
      () => false,
    );
  for (let tries = 0; tries < 200 && virtiofsd.exitCode === null; tries += 1) {
    if (await made()) return;
    await delay(50);
  }
  throw new Error(`virtiofsd made no socket at ${socket}`);
}

function qemuArguments(programs: VmPrograms, initrd: string, work: string, options: VmOptions): string[] {
  const memory = options.memoryMegabytes ?? 3072;
  const append = [
    // norandmaps: what QEMU has translated of a program is good for these addresses only, so that with random ones each
    // start of a program translates it anew, at two and a half times the cost.
    // tsc: a clock that a program reads by itself; the kernel trusts it with one processor only, and takes the HPET
    // otherwise, which is a call and a device.
    'console=ttyS0 quiet panic=-1 mitigations=off norandmaps tsc=reliable',
    `berth.checkout=${checkout}`,
    `berth.command=${Buffer.from(options.command).toString('base64')}`,
  ].join(' ');
  if (append.length > maxCommandLine) throw new Error('the command is too long for the kernel command line');
  return [
    // Software emulation: /dev/kvm boots no ordinary kernel on the machines this must run on. Without "enhanced" string
    // instructions, which are emulated byte by byte, the kernel copies and clears memory three times as fast.
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max,-erms,-fsrm', '-smp', '2', '-m', String(memory)],
    ...['-nodefaults', '-no-reboot', '-display', 'none'],
    ...['-monitor', `unix:${work}/monitor,server=on,wait=off`],
    ...['-object', `memory-backend-memfd,id=mem,size=${memory}M,share=on`, '-numa', 'node,memdev=mem'],
    ...['-chardev', `socket,id=fs,path=${work}/fs.sock`],
    ...['-device', 'vhost-user-fs-pci,chardev=fs,tag=machine'],
    ...['-chardev', `file,id=console,path=${work}/console`, '-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci'],
    ...[
      '-chardev',
      'stdio,id=output,signal=off',
      '-device',
      'virtserialport,chardev=output,name=berth.output',
    ],
    ...[
      '-chardev',
      `file,id=exit,path=${work}/exit`,
      '-device',
      'virtserialport,chardev=exit,name=berth.exit',
    ],
    ...networkCard(options.network),
    ...(options.disk === undefined
      ? []
      : ['-drive', `file=${options.disk},format=raw,if=virtio,snapshot=on,cache=unsafe`]),
    ...(options.shellSocket === undefined
      ? []
      : [
          '-chardev',
          `socket,id=shell,path=${options.shellSocket},server=on,wait=off`,
          '-device',
          'virtserialport,chardev=shell,name=berth.shell',
        ]),
    ...['-kernel', programs.kernelImage, '-initrd', initrd, '-append', append],
  ];
}

function networkCard(network: VmNetwork | undefined): readonly string[] {
  if (network === undefined) return [];
  const { tap, hardwareAddress } = network;
  return [
    '-netdev',
    `tap,id=net,ifname=${tap},script=no,downscript=no`,
    '-device',
    `virtio-net-pci,netdev=net,mac=${hardwareAddress}`,
  ];
}
