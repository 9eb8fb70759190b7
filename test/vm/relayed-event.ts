/** What a test run inside the VM tells the host, one line each. */
export type RelayedEvent =
  | { readonly type: 'start'; readonly name: string; readonly nesting: number }
  | {
      readonly type: 'pass';
      readonly name: string;
      readonly nesting: number;
      readonly milliseconds: number;
      readonly skip?: string;
    }
  | {
      readonly type: 'fail';
      readonly name: string;
      readonly nesting: number;
      readonly milliseconds: number;
      readonly ofSubtests: boolean;
      readonly error: string;
    };

/** Begins each such line; no test prints this by chance. */
export const relayMark = '\u001e';
