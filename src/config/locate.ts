// Where in the file a key or its value is, for messages.
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
} from 'yaml';

/** `line:column` of the value at a path, or of the nearest one above it that is there. */
export function locateValue(document: Document, lines: LineCounter, path: readonly string[]): string {
  let found: unknown = document.contents;
  for (const key of path) {
    const value = childOf(document, found, key);
    if (!isNode(value)) break;
    found = value;
  }
  return start(lines, found);
}

/** `line:column` of a key of the mapping at a path. */
export function locateKey(
  document: Document,
  lines: LineCounter,
  path: readonly string[],
  key: string,
): string {
  let parent: unknown = document.contents;
  for (const part of path) parent = childOf(document, parent, part);
  const pair = pairOf(document, parent, key);
  return pair === undefined ? locateValue(document, lines, path) : start(lines, pair.key);
}

function childOf(document: Document, parent: unknown, key: string): unknown {
  const node = target(document, parent);
  return isSeq(node) ? node.items[Number(key)] : pairOf(document, node, key)?.value;
}

/** Keys are compared as text: a pool may be named 1, which YAML takes for a number. */
function pairOf(document: Document, parent: unknown, key: string): Pair | undefined {
  const node = target(document, parent);
  if (!isMap(node)) return undefined;
  return node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
}

function target(document: Document, node: unknown): Node | undefined {
  if (isAlias(node)) return node.resolve(document);
  return isNode(node) ? node : undefined;
}

function start(lines: LineCounter, node: unknown): string {
  if (!isNode(node) || !node.range) return '1:1';
  const { line, col } = lines.linePos(node.range[0]);
  return `${line}:${col}`;
}
