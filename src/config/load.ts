import { readFileSync } from 'node:fs';
import { type Document, LineCounter, parseDocument, type YAMLError } from 'yaml';
import { isErrno } from '../errors/errno.ts';
import { UsageError } from '../errors/usage-error.ts';
import { type Issue, sentence } from './issue.ts';
import { locateKey, locateValue } from './locate.ts';
import { type Config, configSchema, type PoolConfig } from './schema.ts';

/** Reads the config file. Throws UsageError with file, line, key and what was expected. */
export function loadConfig(file: string): Config {
  return parseConfig(readText(file), file);
}

/** Reads a config's text; `file` is for messages. */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new UsageError(`${file}:${line}:${col}: ${yamlFault(fault)}`);
  }
  const result = configSchema.safeParse(plainValue(document, file) ?? {});
  if (!result.success) throw refusal(result.error.issues, document, lines, file);
  const pools = new Map<string, PoolConfig>();
  for (const [name, { nfs, local }] of Object.entries(result.data.pools)) {
    if (nfs !== undefined) pools.set(name, { kind: 'nfs', name, nfs });
    else if (local !== undefined) pools.set(name, { kind: 'local', name, local });
  }
  return { pools, devices: result.data.devices };
}

/** The document as plain values. Throws UsageError for an alias that leads nowhere. */
function plainValue(document: Document, file: string): unknown {
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
    throw new UsageError(`--config ${file}: ${why}; see docs/parameters.md`);
  }
}

function yamlFault({ code, message }: YAMLError): string {
  if (code === 'MULTIPLE_DOCS') return 'a second YAML document begins here; put all pools into one';
  return `not valid YAML: ${message.split(' at line')[0]}`;
}

/** One issue of several: an unknown key first, since a misspelt one is the reason why another is missing. */
function refusal(issues: readonly Issue[], document: Document, lines: LineCounter, file: string): UsageError {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  const path = (issue?.path ?? []).map(String);
  const place =
    issue?.code === 'unrecognized_keys'
      ? locateKey(document, lines, path, String(issue.keys?.[0]))
      : issue?.code === 'invalid_key'
        ? locateKey(document, lines, path.slice(0, -1), path.at(-1) ?? '')
        : locateValue(document, lines, path);
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return new UsageError(`${file}:${place}: ${path.join('.') || 'the file'}: ${sentence(issue, path)}${more}`);
}
