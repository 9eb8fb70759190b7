import { UsageError } from '../errors/usage-error.ts';

/**
 * The objects of `kubectl get … -o json`: one, a List of them, or several of either behind each other.
 * Throws UsageError for anything else.
 */
export function readObjects(text: string): unknown[] {
  return splitDocuments(text).flatMap((document) => {
    const value = parse(document);
    return isList(value) ? value.items.map((item) => withKind(item, value.kind)) : [value];
  });
}

/** In a list of the API's own, such as a PersistentVolumeList, the items do not say their kind. */
function withKind(item: unknown, listKind: unknown): unknown {
  const [, kind] = /^(\w+)List$/.exec(String(listKind)) ?? [];
  const isToBeSaid = kind !== undefined && typeof item === 'object' && item !== null && !('kind' in item);
  return isToBeSaid ? { ...item, kind } : item;
}

function isList(value: unknown): value is { readonly items: unknown[]; readonly kind?: unknown } {
  return typeof value === 'object' && value !== null && 'items' in value && Array.isArray(value.items);
}

function parse(document: string): unknown {
  try {
    return JSON.parse(document);
  } catch {
    throw new UsageError(
      'standard input: not JSON; give it what "kubectl get pv,pvc --all-namespaces -o json" prints',
    );
  }
}

/** Cuts behind each outermost object; what is between braces in a string does not count. */
function splitDocuments(text: string): string[] {
  const documents: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/gs)) {
    if (token === '{') depth += 1;
    if (token !== '}') continue;
    depth -= 1;
    if (depth > 0) continue;
    documents.push(text.slice(start, index + 1));
    start = index + 1;
  }
  const rest = text.slice(start);
  return rest.trim() === '' && documents.length > 0 ? documents : [...documents, rest];
}
