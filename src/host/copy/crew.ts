import { Worker } from 'node:worker_threads';
import { type ThreadStart, ThreadWork, type Work } from './thread-work.ts';

/** Names of files that were left. */
export type Left = readonly Uint8Array[];

export interface CrewOptions {
  readonly start: ThreadStart;
  /** How many threads there may be beside this one. */
  readonly size: number;
  /** What a thread runs. */
  readonly program: string;
}

interface Member {
  readonly worker: Worker;
  /** What it was given and has not done, the oldest first. */
  readonly given: PromiseWithResolvers<Left>[];
}

/** A thread has the next piece at hand while its answer is read. */
const ahead = 2;
/** A thread takes longer to start than a few files to copy. */
const ownPieces = 2;

/** The threads that share the work of one copy. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #own: ThreadWork;
  readonly #members: Member[] = [];
  readonly #waiting: (() => void)[] = [];
  #ownPieces = 0;

  constructor(options: CrewOptions) {
    this.#options = options;
    this.#own = new ThreadWork(options.start);
  }

  /** Hands over a piece of work, as soon as somebody has room for it. `done` fails as the work does. */
  async give(work: Work): Promise<{ readonly done: Promise<Left> }> {
    if (this.#ownPieces < ownPieces) {
      this.#ownPieces += 1;
      return { done: Promise.resolve(this.#own.do(work)) };
    }
    for (;;) {
      const member = this.#freest();
      if (member !== undefined) {
        const answer = Promise.withResolvers<Left>();
        member.given.push(answer);
        member.worker.postMessage(work);
        return { done: answer.promise };
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }

  #freest(): Member | undefined {
    const idle = this.#members.find(({ given }) => given.length === 0);
    if (idle !== undefined) return idle;
    if (this.#members.length < this.#options.size) return this.#hire();
    const [freest] = [...this.#members].sort((a, b) => a.given.length - b.given.length);
    return freest !== undefined && freest.given.length < ahead ? freest : undefined;
  }

  #hire(): Member {
    const worker = new Worker(this.#options.program, {
      workerData: this.#options.start,
      // They share the descriptors of the process.
      trackUnmanagedFds: false,
    });
    const member: Member = { worker, given: [] };
    this.#members.push(member);
    worker.on('message', (left: Left) => {
      member.given.shift()?.resolve(left);
      this.#waiting.shift()?.();
    });
    worker.on('error', (error) => {
      for (const answer of member.given) answer.reject(error);
    });
    return member;
  }
}
