import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { isErrno } from '../errors/node-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { configSchema, type PoolConfig } from './schema.ts';

/** Reads the config file. Throws UsageError with file, line, key and what was expected. */
export function loadConfig(file: string): ReadonlyMap<string, PoolConfig> {
  return parseConfig(readText(file), file);
}

/** Reads a config's text; `file` is for messages. */
export function parseConfig(text: string, file: string): ReadonlyMap<string, PoolConfig> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new UsageError(`${file}:${line}:${col}: not valid YAML: ${fault.message.split(' at line')[0]}`);
  }
  const result = configSchema.safeParse(plainValue(document, file) ?? {});
  if (!result.success) {
    const [issue] = result.error.issues;
    const path = (issue?.path ?? []).map(String);
    const key = path.join('.') || 'the file';
    const more = result.error.issues.length > 1 ? ` (and ${result.error.issues.length - 1} more)` : '';
    throw new UsageError(`${file}:${position(document, lines, path)}: ${key}: ${describe(issue)}${more}`);
  }
  const pools = new Map<string, PoolConfig>();
  for (const [name, { nfs, local }] of Object.entries(result.data.pools)) {
    if (nfs !== undefined) pools.set(name, { kind: 'nfs', name, nfs });
    else if (local !== undefined) pools.set(name, { kind: 'local', name, local });
  }
  return pools;
}

/** The document as plain values. Throws UsageError for an alias that leads nowhere. */
function plainValue(document: ReturnType<typeof parseDocument>, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new UsageError(
      `${file}:1:1: not valid YAML: ${error instanceof Error ? error.message : 'unknown'}`,
    );
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = isErrno(error, 'ENOENT')
      ? 'there is no such file'
      : `it cannot be read (${isErrno(error) ? error.code : 'unknown'})`;
    throw new UsageError(`--config ${file}: ${why}; see deploy/config.example.yaml`);
  }
}

/** Line and column of a key, or of the nearest one above it that is there. */
function position(document: ReturnType<typeof parseDocument>, lines: LineCounter, path: string[]): string {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
      const { line, col } = lines.linePos(Number(node.range[0]));
      return `${line}:${col}`;
    }
  }
  return '1:1';
}

interface Issue {
  readonly code?: string;
  readonly message: string;
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

function describe(issue: Issue | undefined): string {
  if (issue === undefined) return 'not valid';
  switch (issue.code) {
    case 'unrecognized_keys':
      return `unknown key ${(issue.keys ?? []).map(String).join(', ')}; see deploy/config.example.yaml`;
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
