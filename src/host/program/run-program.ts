// A program of Berth's own in a process of its own: its system calls hold their thread, and one that hangs on a dead
// server is ended with its process. It tells of its work in lines of JSON on standard output.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { killGroup } from '../run.ts';
import type { FailureLine } from './failure.ts';
import { Watchdog } from './watchdog.ts';

export interface Program {
  /** What it does, for messages: `copy`. */
  readonly what: string;
  readonly path: string;
  /** Its first argument, as JSON. */
  readonly request: object;
  /** Descriptors of this process that become its own, from 3 on. */
  readonly descriptors: readonly number[];
}

export interface ProgramOptions {
  /** Ends it at once. */
  readonly signal?: AbortSignal;
  /** It is ended where nothing new was heard of it for this long. Milliseconds. */
  readonly silenceMs?: number;
}

/** Of one call: a server may take minutes to clone what is large and scattered. */
const defaultSilenceMs = 900_000;
/** A killed process in an uninterruptible sleep ends when the kernel lets it; nobody waits longer than this. */
const graceMs = 500;
/** It needs few objects at a time. */
const engineFlags = [
  '--max-semi-space-size=1',
  '--max-old-space-size=64',
  '--disable-warning=ExperimentalWarning',
];

/**
 * Runs a program and gives its lines, until whoever reads them has enough: then it is ended. It waits while they are not
 * read. Throws what a system call of it failed with, as node:fs does, and where it ends without being told to.
 */
export async function* runProgram<Line extends object>(
  { what, path, request, descriptors }: Program,
  { signal, silenceMs = defaultSilenceMs }: ProgramOptions = {},
): AsyncGenerator<Line, never, undefined> {
  // Not by execa, which gives a child no descriptors of this process.
  const child = spawn(process.execPath, [...engineFlags, path, JSON.stringify(request)], {
    env: { LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
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
    const lines = createInterface(stdout)[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([stuck, lines.next()]);
      if (next === undefined || next.done === true) break;
      watchdog.heard(next.value);
      // The cast: both ends of the pipe are of this program.
      const line = JSON.parse(next.value) as Line | FailureLine;
      if ('failure' in line) throw Object.assign(new Error(line.failure.message), line.failure);
      watchdog.pause();
      yield line;
      watchdog.resume();
    }
    if (signal?.aborted === true) throw new Error(`the ${what} was ended`);
    if (watchdog.bit) {
      throw Object.assign(new Error(`the ${what} has not gone on for ${silenceMs / 1000} s`), {
        code: 'EIO',
      });
    }
    await ended;
    throw new Error(`the program of the ${what} ended: ${complaint()}`);
  } finally {
    watchdog.pause();
    signal?.removeEventListener('abort', end);
    killGroup(child.pid);
    // A killed process ends when the kernel lets it; nobody waits for it.
    stdout.destroy();
    stderr.destroy();
    child.unref();
  }
}

/** What a program says first of what is wrong with it; the rest is read and dropped. */
function firstOf(stream: Readable): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    if (text.length < 2_000) text += chunk.toString();
  });
  return () => text.trim();
}
