import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { toYaml } from '../../../src/migrate/yaml.ts';

// strconv.ParseInt and ParseFloat, which Go's YAML parser asks, know more numbers than YAML has.
const notText = [
  '0o17',
  '0X1F',
  '0B11',
  '0x_f',
  '1_000',
  '010',
  '1e3',
  '0x1p-2',
  '-0o7',
  '.5',
  '12:30',
  '2026-01-02',
];
const words = ['yes', 'Off', 'y', 'N', 'true', 'null', '~', '', '=', '.nan', '- a', 'a: b', 'a #b', '*a'];

test('text that some parser takes for something else is quoted, as a key too', () => {
  for (const text of [...notText, ...words]) {
    assert.equal(toYaml({ labels: { a: text } }), `labels:\n  a: ${JSON.stringify(text)}\n`);
    assert.equal(toYaml({ labels: { [text]: 'a' } }), `labels:\n  ${JSON.stringify(text)}: a\n`);
  }
});

test('words and paths stay as they are, and nothing is folded', () => {
  const long = 'word '.repeat(50);
  const manifest = {
    kind: 'PersistentVolume',
    annotations: { 'berth.dev/migrated-from': 'pvc-1', long, lines: 'one\n  two  \n\nthree\n' },
    spec: { accessModes: ['ReadWriteMany'], readOnly: true, path: '/export/k8s', server: '10.0.0.5' },
  };
  const yaml = toYaml(manifest);
  assert.equal(
    yaml,
    `kind: PersistentVolume
annotations:
  berth.dev/migrated-from: pvc-1
  long: "${long}"
  lines: "one\\n  two  \\n\\nthree\\n"
spec:
  accessModes:
    - ReadWriteMany
  readOnly: true
  path: /export/k8s
  server: "10.0.0.5"
`,
  );
  assert.deepEqual(parse(yaml, { schema: 'yaml-1.1' }), manifest);
});
