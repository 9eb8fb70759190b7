/**
 * Writes src/wire/generated/ out of proto/: for each contract the types that the compiler checks against and the
 * descriptor that the program loads, so that nothing parses .proto text at run time.
 */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { describe } from './generate/descriptor.ts';
import { emitTypes } from './generate/types.ts';

const contracts = [
  { file: 'proto/csi.proto', package: 'csi.v1', name: 'csi' },
  { file: 'proto/pluginregistration.proto', package: 'pluginregistration', name: 'registration' },
] as const;

const root = join(import.meta.dirname, '..');
const target = join(root, 'src/wire/generated');
const generators = [
  import.meta.filename,
  join(root, 'scripts/generate/descriptor.ts'),
  join(root, 'scripts/generate/types.ts'),
];

/** Milliseconds since the epoch; 0 for a file that is not there. */
function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Another process may be reading, or generating too: it sees the old file or the new one. */
function replace(path: string, text: string): void {
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, text);
  renameSync(aside, path);
}

for (const { file, package: scope, name } of contracts) {
  const source = join(root, file);
  const outputs = { types: join(target, `${name}-types.ts`), descriptor: join(target, `${name}.json`) };
  const newestInput = Math.max(...[source, ...generators].map(modified));
  if (Object.values(outputs).every((path) => modified(path) > newestInput)) continue;
  const parsed = protobuf.parse(readFileSync(source, 'utf8'), { keepCase: true, alternateCommentMode: true });
  mkdirSync(target, { recursive: true });
  const descriptor = describe(parsed, scope);
  const types = emitTypes({ file, root: protobuf.Root.fromJSON(descriptor), commented: parsed.root });
  replace(outputs.types, types);
  replace(outputs.descriptor, `${JSON.stringify(descriptor)}\n`);
}
