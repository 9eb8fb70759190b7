import { lstatSync, rmSync } from 'node:fs';

/** What is at a socket's path. `unknown`: it cannot be looked at, so nothing that may be there is touched. */
export type Found = 'ours' | 'nothing' | 'another' | 'unknown';

/** Knows a socket that this process has made from one that somebody puts in its place. Throws nothing. */
export class OwnSocket {
  readonly #path: string;
  readonly #identity: string | undefined;

  /** @param path where it was made just now */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#identity = identityOf(path);
    } catch {
      this.#identity = undefined;
    }
  }

  look(): Found {
    try {
      const identity = identityOf(this.#path);
      if (identity === undefined) return 'nothing';
      return identity === this.#identity ? 'ours' : 'another';
    } catch {
      return 'unknown';
    }
  }

  /** Removes it, and never another's in its place. One that cannot be removed is cleared by who comes next. */
  remove(): void {
    if (this.look() !== 'ours') return;
    try {
      rmSync(this.#path, { force: true });
    } catch {}
  }

  /** A sentence where its path does not lead to this process any more. */
  problem(): string | undefined {
    switch (this.look()) {
      case 'ours':
        return undefined;
      case 'nothing':
        return `The socket ${this.#path} was removed, so nobody reaches the driver; start it anew.`;
      case 'another':
        return `Another process has put its own socket at ${this.#path}, so nobody reaches this driver; end one of the two.`;
      case 'unknown':
        return `The socket ${this.#path} cannot be looked at; see what is wrong with its folder.`;
    }
  }
}

/** The time too: inode numbers are used again. Undefined where nothing is there. */
function identityOf(path: string): string | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev} ${stats.ino} ${stats.birthtimeNs}`;
}
