/** How a command ended, as far as it is known. */
export interface CommandOutcome {
  /** The program, as it was asked for. Its arguments are left out: they may hold mount options. */
  readonly file: string;
  /** Undefined where it was killed or never started. */
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  /** Killed because its deadline passed. */
  readonly timedOut: boolean;
  readonly timeoutMs: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that did not do its work: `shortMessage` is for people, everything else for the log. */
export class CommandError extends Error {
  readonly shortMessage: string;
  readonly file: string;
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly timedOut: boolean;
  readonly stderr: string;
  /** All it wrote, standard output first; bounded. */
  readonly output: string;

  constructor(outcome: CommandOutcome, options?: { cause?: unknown }) {
    const shortMessage = describe(outcome, options?.cause);
    super(outcome.stderr === '' ? shortMessage : `${shortMessage}: ${outcome.stderr.trim()}`, options);
    this.name = 'CommandError';
    this.shortMessage = shortMessage;
    this.file = outcome.file;
    this.exitCode = outcome.exitCode;
    this.signal = outcome.signal;
    this.timedOut = outcome.timedOut;
    this.stderr = outcome.stderr;
    this.output = outcome.stdout + outcome.stderr;
  }
}

function describe(outcome: CommandOutcome, cause: unknown): string {
  const { file, exitCode, signal, timedOut, timeoutMs } = outcome;
  if (timedOut) return `${file} did not finish within ${timeoutMs / 1000} s and was killed`;
  if (exitCode !== undefined) return `${file} failed with exit status ${exitCode}`;
  if (signal !== undefined) return `${file} was ended by ${signal}`;
  const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
  return missing ? `${file} is not installed` : `${file} could not be started`;
}
