import { Document, visit } from 'yaml';

/** Words and paths, which every parser takes for text, but for words such as `yes`: those are quoted by the schema. */
const plain = /^[A-Za-z/][A-Za-z0-9/._-]*$/;

/**
 * A manifest for kubectl, which reads YAML 1.1 and what Go takes for a number, such as 0o17, 0X1F and 0B11: whatever
 * might be one is quoted, among the keys too, since a label's may be anything.
 */
export function toYaml(manifest: object): string {
  const document = new Document(manifest, { schema: 'yaml-1.1' });
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && !plain.test(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0, doubleQuotedAsJSON: true });
}
