import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRecord, encodeRecord, type VolumeRecord } from '../../../src/volumes/state/record.ts';
import { formatVolumeId, keyOf, parseVolumeId, staticKeyOf } from '../../../src/volumes/volume-id.ts';

test('a short, plain name is its own key', () => {
  assert.equal(keyOf('pvc-6f1c'), 'pvc-6f1c');
});

test('any other name gets a key that can be a file name and part of an id', () => {
  for (const name of ['a/b', '..', '.', 'x'.repeat(128), 'ü'.repeat(60), 'with space', '-o', 'a\nb']) {
    const key = keyOf(name);
    assert.match(key, /^h-[0-9a-f]{40}$/);
    assert.deepEqual(parseVolumeId(formatVolumeId({ pool: 'nas', key })), { pool: 'nas', key });
  }
});

test('a name that looks like a hashed key does not share the key of another name', () => {
  const hashed = keyOf('a/b');
  assert.notEqual(keyOf(hashed), hashed);
});

test('the longest pool and key make an id of at most 128 bytes', () => {
  const id = formatVolumeId({ pool: 'p'.repeat(32), key: keyOf('k'.repeat(64)) });
  assert.ok(Buffer.byteLength(id) <= 128);
});

test('a mangled id is none of a dynamic volume', () => {
  for (const id of [
    '',
    'nas',
    '/x',
    'nas/',
    'nas/../x',
    'nas/a/b',
    'nas/.berth',
    'nas/@x',
    'nas/a\0',
    'nas/,x',
  ]) {
    assert.equal(parseVolumeId(id), undefined, id);
  }
});

test('the key of a static volume is never that of a dynamic one', () => {
  assert.equal(parseVolumeId(`nas/${staticKeyOf('x')}`), undefined);
});

const record: VolumeRecord = {
  id: 'abcdefgh',
  revision: 3,
  name: 'a "quoted" näme',
  subDir: 'team/a b',
  capacity: 9_223_372_036_854_775_807n,
  onDelete: 'retain',
  askedOnDelete: 'delete',
  mode: 0o2750,
  uid: 0,
  gid: 4_294_967_294,
};

test('a record comes back as it was written', () => {
  assert.deepEqual(decodeRecord(encodeRecord(record)), record);
  const { uid: _, gid: __, ...plain } = record;
  assert.deepEqual(decodeRecord(encodeRecord({ ...plain, askedOnDelete: 'retain' })), {
    ...plain,
    askedOnDelete: 'retain',
  });
});

test('the record of an image comes back as it was written', () => {
  for (const image of [
    {},
    { fsType: 'xfs' },
    { fsType: 'ext4', thick: true, file: 'disk-abcdefgh.img', kept: 'tmp-x' },
  ] as const) {
    assert.deepEqual(decodeRecord(encodeRecord({ ...record, image })), { ...record, image });
  }
});

test('a planted record cannot name a file that is no image', () => {
  const fields = JSON.parse(encodeRecord({ ...record, image: {} }));
  for (const file of ['../disk-abcdefgh.img', 'disk.img', 'secret', 'disk-abc/efgh.img']) {
    assert.equal(decodeRecord(JSON.stringify({ ...fields, file })), undefined, file);
  }
});

test('a record that would not fit into a symbolic link is refused', () => {
  assert.throws(() => encodeRecord({ ...record, subDir: '"'.repeat(512) }), /too long/);
});

test('a torn or foreign text is no record', () => {
  const whole = encodeRecord(record);
  for (let length = 0; length < whole.length; length += 1) {
    assert.equal(decodeRecord(whole.slice(0, length)), undefined);
  }
  for (const text of [
    'null',
    '[]',
    '"x"',
    '{}',
    whole.replace('"v":1', '"v":2'),
    whole.replace('retain', 'burn'),
  ]) {
    assert.equal(decodeRecord(text), undefined, text);
  }
});

test('a planted record cannot name a directory outside the pool, nor Berth’s own', () => {
  for (const dir of ['../victim', '/etc', 'a/../../b', '.berth/archive', '', 'a//b']) {
    const text = JSON.stringify({ ...JSON.parse(encodeRecord(record)), dir });
    assert.equal(decodeRecord(text), undefined, dir);
  }
});
