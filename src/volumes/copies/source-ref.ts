import { isKey } from '../volume-id.ts';

/** What something was copied from, on the same pool. */
export interface SourceRef {
  readonly kind: 'volume' | 'snapshot';
  readonly key: string;
}

/** As records and locks have it. */
export function formatSource({ kind, key }: SourceRef): string {
  return `${kind}/${key}`;
}

/** Undefined for any other text. */
export function parseSource(text: string): SourceRef | undefined {
  const [, kind, key = ''] = /^(volume|snapshot)\/(.+)$/.exec(text) ?? [];
  if ((kind !== 'volume' && kind !== 'snapshot') || !isKey(key)) return undefined;
  return { kind, key };
}
