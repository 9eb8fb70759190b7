/** What the program is asked for, as its first argument. */
export interface BlocksRequest {
  /** Names of files in the directory that it is given. */
  readonly file: string;
  /** What `file` is compared with; without it, all that has data is told. */
  readonly base?: string;
  /** From here on; in bytes. */
  readonly offset: number;
  /** In one line. */
  readonly most: number;
}

/** A range of bytes. */
export type Extent = readonly [offset: number, length: number];

/** A line of its output: the file's size in bytes, ranges, how far it is, or that this was all. */
export type BlocksLine =
  | { readonly size: number }
  | { readonly extents: readonly Extent[] }
  | { readonly at: number }
  | { readonly done: true };
