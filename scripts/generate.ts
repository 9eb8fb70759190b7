/**
 * Writes src/wire/generated/ out of proto/csi.proto: the types that the compiler checks against and the
 * descriptor that the program loads, so that nothing parses .proto text at run time.
 */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { describe } from './generate/descriptor.ts';
import { emitTypes } from './generate/types.ts';

const root = join(import.meta.dirname, '..');
const source = join(root, 'proto/csi.proto');
const target = join(root, 'src/wire/generated');
const outputs = { types: join(target, 'csi-types.ts'), descriptor: join(target, 'csi.json') };
const inputs = [
  source,
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

const newestInput = Math.max(...inputs.map(modified));
if (Object.values(outputs).some((path) => modified(path) <= newestInput)) {
  const { root: reflection } = protobuf.parse(readFileSync(source, 'utf8'), {
    keepCase: true,
    alternateCommentMode: true,
  });
  mkdirSync(target, { recursive: true });
  const descriptor = describe(reflection);
  replace(outputs.types, emitTypes(protobuf.Root.fromJSON(descriptor), reflection));
  replace(outputs.descriptor, `${JSON.stringify(descriptor)}\n`);
}
