// What can be seen from outside of a VM that does not answer.
import type { ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What QEMU's monitor says to a command; of the registers only where each processor is, and whether it waits. */
export async function askMonitor(socket: string, command: string): Promise<string> {
  const monitor = connect(socket);
  let said = '';
  monitor.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const failed = new Promise<never>((_, reject) => {
    monitor.once('error', reject);
  });
  monitor.write(`${command}\n`);
  // It does not say when it has said all.
  await Promise.race([delay(2_000), failed]);
  monitor.destroy();
  return said
    .split('\n')
    .filter((line) => /^CPU#|RIP=/.test(line))
    .join('\n');
}

/** The state of each thread of a process, and the call of the kernel in which it waits (proc(5), wchan). */
export async function describeProcess({
  pid,
  spawnfile,
  exitCode,
  signalCode,
}: ChildProcess): Promise<string> {
  if (pid === undefined || exitCode !== null || signalCode !== null) {
    return `${spawnfile} has ended: ${exitCode ?? signalCode}`;
  }
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const threads = tasks.map(async (task) => {
    const read = (name: string) => readFile(`/proc/${pid}/task/${task}/${name}`, 'utf8').catch(String);
    const [, name = '', state = ''] = /^\d+ \((.*)\) (\S)/.exec(await read('stat')) ?? [];
    return `  ${name} ${state} ${await read('wchan')}`;
  });
  return [`process ${pid}:`, ...(await Promise.all(threads))].join('\n');
}
