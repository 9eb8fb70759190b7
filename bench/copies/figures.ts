// What the bench of copies finds out.
import type { CountedCalls, Samples } from '../figures.ts';
import type { Content } from './content.ts';

/** What is done with a volume that has content; `removed` counts until its space is free again. */
export const operations = ['snapshot', 'restore', 'clone', 'delete', 'removed'] as const;
export type Operation = (typeof operations)[number];

export interface ServerFigures {
  /** Milliseconds, by `<set>: <operation>`, and of what only Berth can do by a name of its own. */
  readonly berth: Samples;
  readonly peer: Samples;
  /** NFS operations that Berth's mount has sent, by the same names. */
  readonly operations: Record<string, CountedCalls>;
}

export interface CopyFigures {
  readonly sets: Readonly<Record<string, Content>>;
  readonly image: { readonly bytes: number; readonly data: number };
  readonly snapshots: number;
  /** By what the server's file system is. */
  readonly servers: Record<string, ServerFigures>;
}

export const keyOf = (set: string, operation: Operation): string => `${set}: ${operation}`;
export const imageKey = 'image: snapshot';
export const listKeys = { first: 'list: first', whole: 'list: whole', byId: 'list: by id' } as const;

export const noServerFigures = (): ServerFigures => ({ berth: {}, peer: {}, operations: {} });
