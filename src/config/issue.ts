// What zod found wrong, as people say it.
import { keysAt } from './schema.ts';

export interface Issue {
  readonly code?: string;
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly expected?: unknown;
  readonly keys?: readonly unknown[];
  readonly issues?: readonly { readonly message: string }[];
}

/** What people call zod's kinds of values. */
const kinds: Readonly<Record<string, string>> = {
  record: 'a mapping, as name: value',
  object: 'a mapping, as name: value',
  array: 'a list, as [one, two]',
};

export function sentence(issue: Issue | undefined, path: readonly string[]): string {
  if (issue === undefined) return 'not valid';
  switch (issue.code) {
    case 'unrecognized_keys':
      return `unknown key ${(issue.keys ?? []).map(String).join(', ')}; expected ${keysAt(path).join(', ')}`;
    case 'invalid_type':
      return `expected ${kinds[String(issue.expected)] ?? `a ${String(issue.expected)}`}`;
    case 'invalid_key':
      return `expected ${issue.issues?.[0]?.message ?? 'another name'}`;
    case 'custom':
      return issue.message.startsWith('the ') ? issue.message : `expected ${issue.message}`;
    default:
      return `expected ${issue.message}`;
  }
}
