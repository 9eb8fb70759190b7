import { CommandError } from './command-error.ts';

export interface RunOptions {
  /** From the start; then the command's whole process group gets SIGKILL. Milliseconds. */
  readonly timeoutMs: number;
}

/** Runs a command and gives its standard output. Throws CommandError. */
export type Run = (file: string, args: readonly string[], options: RunOptions) => Promise<string>;

/** Plain messages that can be recognised, and no variable of ours reaches a privileged program. */
const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** Characters of each stream; a command that writes more than that is not one of ours. */
const maxOutput = 1_000_000;

/** A killed process in an uninterruptible sleep ends when the kernel lets it; nobody waits longer than this. */
const graceMs = 500;

/**
 * Runs a command without a shell, with a deadline after which its whole group is killed: `mount` forks helpers
 * that would otherwise live on. Settles at most half a second after the deadline, whatever the process does.
 */
export const run: Run = async (file, args, { timeoutMs }) => {
  // Loaded with the first command: it is large, and a driver can be ready without it.
  const { execa } = await import('execa');
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
  const stuck = new Promise<undefined>((resolve) => {
    deadline = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid);
      deadline = setTimeout(() => resolve(undefined), graceMs);
    }, timeoutMs);
  });
  const result = await Promise.race([child, stuck]);
  clearTimeout(deadline);
  if (result === undefined) {
    // Its pipes may be held open by a process that left the group.
    const { stdout, stderr } = child.nodeChildProcess;
    stdout?.destroy();
    stderr?.destroy();
    child.nodeChildProcess.unref();
    throw new CommandError({ file, timeoutMs, timedOut, stdout: '', stderr: '' });
  }
  if (!result.failed && !timedOut) return result.stdout;
  const { exitCode, signal, stdout, stderr, cause } = result;
  throw new CommandError({ file, timeoutMs, timedOut, exitCode, signal, stdout, stderr }, { cause });
};

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone by itself in this very moment.
  }
}
