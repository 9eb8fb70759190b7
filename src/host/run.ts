import { execa } from 'execa';
import { CommandError } from './command-error.ts';

export interface RunOptions {
  /** From the start; then the command's whole process group gets SIGKILL. Milliseconds. */
  readonly timeoutMs: number;
  /** Ends the command at once, as the deadline does. */
  readonly signal?: AbortSignal;
}

/** Runs a command and gives its standard output. Throws CommandError. */
export type Run = (file: string, args: readonly string[], options: RunOptions) => Promise<string>;

/** Where commands are looked for. */
export const commandPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Plain messages that can be recognised, and no variable of ours reaches a privileged program. */
const env = { PATH: commandPath, LC_ALL: 'C' };

/** Characters of each stream; a command that writes more than that is not one of ours. */
const maxOutput = 1_000_000;

/** A killed process in an uninterruptible sleep ends when the kernel lets it; nobody waits longer than this. */
const graceMs = 500;

/**
 * Runs a command without a shell, with a deadline after which its whole group is killed: `mount` forks helpers
 * that would otherwise live on. Settles at most half a second after the deadline, whatever the process does.
 */
export const run: Run = async (file, args, { timeoutMs, signal }) => {
  const child = execa(file, args, {
    env,
    extendEnv: false,
    stdin: 'ignore',
    // A session and process group of its own, which is what can be killed as a whole.
    detached: true,
    cleanup: false,
    reject: false,
    stripFinalNewline: false,
    maxBuffer: maxOutput,
  });
  let timedOut = false;
  let deadline: NodeJS.Timeout | undefined;
  const { promise: stuck, resolve: giveUp } = Promise.withResolvers<undefined>();
  const end = () => {
    clearTimeout(deadline);
    timedOut = true;
    killGroup(child.pid);
    deadline = setTimeout(() => giveUp(undefined), graceMs);
  };
  deadline = setTimeout(end, timeoutMs);
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted === true) end();
  const result = await Promise.race([child, stuck]);
  clearTimeout(deadline);
  signal?.removeEventListener('abort', end);
  if (result === undefined) {
    // Its pipes may be held open by a process that left the group.
    const { stdout, stderr } = child.nodeChildProcess;
    stdout?.destroy();
    stderr?.destroy();
    child.nodeChildProcess.unref();
    throw new CommandError({ file, timeoutMs, timedOut, stdout: '', stderr: '' });
  }
  if (!result.failed && !timedOut) return result.stdout;
  const { exitCode, signal: endedBy, stdout, stderr, cause } = result;
  throw new CommandError({ file, timeoutMs, timedOut, exitCode, signal: endedBy, stdout, stderr }, { cause });
};

/** Kills a process and all that it has started (kill(2), a negative number). */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone by itself in this very moment.
  }
}

/**
 * Runs a command that does nothing. To be called before anybody can call the driver: the first command has much to load
 * and to compile, and on a busy machine no other call would be answered for seconds meanwhile.
 */
export async function prepareToRun(): Promise<void> {
  // What is wrong with this machine the first real command tells.
  await run('true', [], { timeoutMs: 10_000 }).catch(() => {});
}
