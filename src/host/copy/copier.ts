import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { killGroup } from '../run.ts';
import { type CopyFailure, type CopyLine, type CopyRequest, parseLine } from './lines.ts';
import type { Counts } from './tally.ts';

export type { Counts } from './tally.ts';

/** What is copied, and as what; both directories are descriptors of this process. */
export interface Copy extends Omit<CopyRequest, 'threads'> {
  readonly fromDir: number;
  readonly toDir: number;
}

export interface CopyOptions {
  /** Told of what was copied so far, about once a second. */
  readonly progress?: (counts: Counts) => void;
  /** Ends the copy at once. */
  readonly signal?: AbortSignal;
  /** A copy of which nothing was heard for this long is ended. Milliseconds. */
  readonly silenceMs?: number;
}

/** Calls under way on a server: more gain little, and each costs megabytes of this machine's memory. */
const threads = 4;
/** Of one call: a server may take minutes to clone what is large and scattered. */
const defaultSilenceMs = 900_000;
/** A killed process in an uninterruptible sleep ends when the kernel lets it; nobody waits longer than this. */
const graceMs = 500;
/** It needs few objects at a time. */
const engineFlags = ['--max-semi-space-size=1', '--max-old-space-size=64'];

/** The bundle's, or the sources'. */
const program = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'program.ts' : 'copy.cjs');

/**
 * Copies a tree or a file to a name that is free, exactly: see docs/design.md, "Copies". When this returns, all of it is
 * on disk. Throws what a system call failed with, as node:fs does; what was made until then stays.
 */
export async function runCopy(copy: Copy, options: CopyOptions = {}): Promise<Counts> {
  const { progress = () => {}, signal, silenceMs = defaultSilenceMs } = options;
  const { fromDir, toDir, ...rest } = copy;
  const request: CopyRequest = { ...rest, threads };
  const flags = [...engineFlags, '--disable-warning=ExperimentalWarning'];
  // Not by execa, which gives a child no descriptors of this process.
  const child = spawn(process.execPath, [...flags, program, JSON.stringify(request)], {
    env: { LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe', fromDir, toDir],
    // A process group of its own, which is what is killed.
    detached: true,
  });
  const ended = once(child, 'close');
  // Also where it was never started.
  ended.catch(() => {});
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('a pipe is missing');
  const complaint = firstOf(stderr);
  const { promise: stuck, resolve: giveUp } = Promise.withResolvers<undefined>();
  const end = () => {
    killGroup(child.pid);
    setTimeout(() => giveUp(undefined), graceMs).unref();
  };
  const watchdog = new Watchdog(silenceMs, end);
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted === true) end();
  try {
    const last = await Promise.race([
      stuck,
      lastLine(stdout, (line, counts) => {
        watchdog.heard(line);
        progress(counts);
      }),
    ]);
    if (last !== undefined && 'done' in last) return last.done;
    if (last !== undefined && 'failure' in last) throw asError(last.failure);
    if (signal?.aborted === true) throw new Error('the copy was ended');
    if (watchdog.bit) throw asError({ message: `nothing was copied for ${silenceMs / 1000} s`, code: 'EIO' });
    await ended;
    throw new Error(`the copying program ended: ${complaint()}`);
  } finally {
    watchdog.stop();
    signal?.removeEventListener('abort', end);
    killGroup(child.pid);
    // A killed process ends when the kernel lets it; nobody waits for it.
    stdout.destroy();
    stderr.destroy();
    child.unref();
  }
}

/** The line that ends it; undefined where there is none. */
async function lastLine(
  output: Readable,
  onProgress: (line: string, counts: Counts) => void,
): Promise<Exclude<CopyLine, { progress: Counts }> | undefined> {
  for await (const text of createInterface(output)) {
    const line = parseLine(text);
    if (!('progress' in line)) return line;
    onProgress(text, line.progress);
  }
  return undefined;
}

/** Ends what has not gone on for some time. */
class Watchdog {
  readonly #timer: NodeJS.Timeout;
  #last = '';
  bit = false;

  constructor(ms: number, end: () => void) {
    this.#timer = setTimeout(() => {
      this.bit = true;
      end();
    }, ms);
  }

  /** The same again is no news. */
  heard(news: string): void {
    if (news !== this.#last) this.#timer.refresh();
    this.#last = news;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function asError({ message, code, syscall }: CopyFailure): Error {
  return Object.assign(
    new Error(message),
    code === undefined ? {} : { code },
    syscall === undefined ? {} : { syscall },
  );
}

/** What a program says first of what is wrong with it; the rest is read and dropped. */
function firstOf(stream: Readable): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    if (text.length < 2_000) text += chunk.toString();
  });
  return () => text.trim();
}
