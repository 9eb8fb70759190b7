import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..', '..');
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8');
const sources = globSync('src/**/*.ts', { cwd: root, exclude: ['src/wire/generated/**'] }).map((file) => ({
  file,
  text: readFileSync(join(root, file), 'utf8'),
}));

/** A code and the reason after it, or one of two: in a call of CsiError or of a helper, or as members of a table. */
const codeAndReason =
  /status\.([A-Z_]+),\s*(?:reason:\s*)?(?:((?:\w+ \? )?'[a-z-]+'(?: : '[a-z-]+')?)|`([a-z-]+)\$\{error\.problem\}`)/g;
/** Where both are handed on, from places that the expression above finds. */
const handedOn = /^new CsiError\(\s*(?:code,\s*reason,|meaning\.code,\s*meaning\.reason,)/;

/** `reason CODE`, as it is in the source. */
function inSource(): Set<string> {
  const found = new Set<string>();
  for (const { text } of sources) {
    for (const [, code, literals = '', prefix] of text.matchAll(codeAndReason)) {
      const reasons =
        prefix === undefined ? quoted(literals) : mountPointProblems().map((problem) => prefix + problem);
      for (const reason of reasons) found.add(`${reason} ${code}`);
    }
  }
  return found;
}

function mountPointProblems(): string[] {
  const text = sources.find(({ file }) => file === 'src/host/mount-point.ts')?.text ?? '';
  const type = /readonly problem: (.*);/.exec(text)?.[1] ?? '';
  return quoted(type);
}

function quoted(text: string): string[] {
  return [...text.matchAll(/'([a-z-]+)'/g)].map(([, word]) => String(word));
}

/** The rows of one of the page's tables: the cells of each, without the marks of code. */
function rows(heading: string): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.replaceAll('`', '').trim()),
    );
}

const catalogue = rows('Answers to calls');

test('every reason in the source is in the catalogue with its codes, and no other', () => {
  const documented = catalogue.flatMap(([reason = '', codes = '']) =>
    codes.split(/,\s*/).map((code) => `${reason} ${code}`),
  );
  assert.deepEqual(documented.sort(), [...inSource()].sort());
});

test('every CsiError in the source has a code and reason that the catalogue test can read', () => {
  for (const { file, text } of sources) {
    for (const part of text.split('new CsiError(').slice(1)) {
      const call = `new CsiError(${part.slice(0, 300)}`;
      const readable = call.replace(/^new CsiError\(\s*/, '').search(codeAndReason) === 0;
      assert.ok(readable || handedOn.test(call), `${file}: ${call.slice(0, 80)}`);
    }
  }
});

test('the catalogue is sorted, and every row says when and what to do', () => {
  const reasons = catalogue.map(([reason = '']) => reason);
  assert.deepEqual(reasons, [...new Set(reasons)].sort());
  for (const row of catalogue) {
    assert.equal(row.length, 4, `the row of ${row[0]}`);
    for (const cell of row) assert.notEqual(cell, '', `the row of ${row[0]}`);
  }
});

test('every health reason in the source is in its table, and no other', () => {
  const found = sources.flatMap(({ text }) =>
    [...text.matchAll(/(?:reason: |inaccessible\()'([A-Z][A-Za-z]+)'/g)].map(([, reason]) => String(reason)),
  );
  const documented = rows('Health conditions').map(([reason = '']) => reason);
  assert.deepEqual(documented, [...new Set(found)].sort());
});
