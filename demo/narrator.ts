import { performance } from 'node:perf_hooks';

/** Something in the story went otherwise than told. */
class Unexpected extends Error {
  readonly expected: string;
  readonly found: string;

  constructor(expected: string, found: string) {
    super(`expected ${expected}; found ${found}`);
    this.name = 'Unexpected';
    this.expected = expected;
    this.found = found;
  }
}

/** Where the times stand, in characters from the left. */
const timeColumn = 76;

/** Tells the story on the terminal: steps, what is done in each, how long it took, and what proves it. */
export class Narrator {
  readonly #write: (line: string) => void;
  readonly #color: boolean;
  #steps = 0;

  constructor(write: (line: string) => void, color: boolean) {
    this.#write = write;
    this.#color = color;
  }

  /** A paragraph of plain text. */
  says(...lines: readonly string[]): void {
    for (const line of lines) this.#write(line === '' ? '' : `  ${line}`);
  }

  /** One numbered step of the story. */
  async step(title: string, tell: () => Promise<void>): Promise<void> {
    this.#steps += 1;
    this.#write('');
    this.#write(this.#paint('1', `${this.#steps}. ${title}`));
    await tell();
  }

  /** Does something, and says how long it took. */
  async does<T>(what: string, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      const result = await work();
      this.#timed('  ', what, startedAt);
      return result;
    } catch (error) {
      throw new Unexpected(`${what}: done`, messageOf(error));
    }
  }

  /** Does something that the driver must refuse with this gRPC code, and shows its sentence. */
  async isRefused(what: string, code: number, work: () => Promise<unknown>): Promise<void> {
    const startedAt = performance.now();
    const outcome = await work().then(
      () => 'it was done',
      (error: unknown) => error,
    );
    this.#timed('  ', what, startedAt);
    if (!(outcome instanceof Error) || !('code' in outcome) || outcome.code !== code) {
      throw new Unexpected(`a refusal with the gRPC code ${code}`, messageOf(outcome));
    }
    for (const line of wrap(messageOf(outcome), timeColumn - 4))
      this.#write(this.#paint('33', `    ${line}`));
  }

  /** States a proof; ends the story where what was found is not what was expected. */
  proves(what: string, found: string | boolean, expected: string | boolean = true): void {
    if (found !== expected) throw new Unexpected(`${what} (${expected})`, String(found));
    this.#write(`  ${this.#paint('32', '✓')} ${what}`);
  }

  /** A line of what the machine itself shows. */
  shows(line: string): void {
    this.#write(this.#paint('2', `    ${line}`));
  }

  /** The end of a story that went wrong. */
  fails(error: unknown): void {
    this.#write('');
    if (error instanceof Unexpected) {
      this.#write(`  ${this.#paint('31', '✗')} expected: ${error.expected}`);
      this.#write(`    found:    ${error.found}`);
    } else {
      this.#write(`  ${this.#paint('31', '✗')} ${messageOf(error)}`);
    }
  }

  #timed(indent: string, what: string, startedAt: number): void {
    const time = duration(performance.now() - startedAt);
    const gap = Math.max(1, timeColumn - indent.length - what.length - time.length);
    this.#write(`${indent}${what}${this.#paint('2', ' '.repeat(gap) + time)}`);
  }

  #paint(style: string, text: string): string {
    return this.#color ? `\u001b[${style}m${text}\u001b[0m` : text;
  }
}

/** Milliseconds for people. */
function duration(ms: number): string {
  return ms < 1_000 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** Of an error of a call, its sentence without the name of the code. */
function messageOf(value: unknown): string {
  if (!(value instanceof Error)) return String(value);
  return 'details' in value && typeof value.details === 'string' && value.details !== ''
    ? value.details
    : value.message;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
