import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CsiError } from '../../../src/errors/csi-error.ts';
import { readMutableParameters, readParameters } from '../../../src/volumes/parameters.ts';

const metadata = {
  'csi.storage.k8s.io/pvc/name': 'data',
  'csi.storage.k8s.io/pvc/namespace': 'shop',
  'csi.storage.k8s.io/pv/name': 'pvc-1',
};

test('every parameter is read', () => {
  const read = readParameters(
    {
      pool: 'nas',
      subDir: '${pvc.metadata.namespace}/${pvc.metadata.name}',
      onDelete: 'archive',
      archiveTTL: '30d',
      mode: '2770',
      uid: '0',
      gid: '1000',
      ...metadata,
    },
    'pvc-1',
  );
  assert.deepEqual(read, {
    pool: 'nas',
    subDir: 'shop/data',
    onDelete: 'archive',
    archiveTtl: 30 * 86_400,
    mode: 0o2770,
    uid: 0,
    gid: 1000,
  });
});

test('the name of the volume stands in for the name of its PersistentVolume', () => {
  assert.equal(readParameters({ subDir: 'x-${pv.metadata.name}' }, 'pvc-9').subDir, 'x-pvc-9');
});

test('an fstype of nfs asks for a directory', () => {
  assert.deepEqual(readParameters({ 'csi.storage.k8s.io/fstype': 'nfs' }, 'v'), {});
});

const refused: readonly (readonly [parameters: Record<string, string>, message: RegExp])[] = [
  [
    { colour: 'blue' },
    /"colour" is not known; allowed are pool, subDir, onDelete, archiveTTL, mode, uid, gid/,
  ],
  [{ server: 'nas' }, /"server" is not one of Berth's: .*"pool"/],
  [{ share: '/x' }, /"share".*"pool"/],
  [{ mountPermissions: '0777' }, /"mountPermissions".*"mode"/],
  [{ archiveOnDelete: 'true' }, /"archiveOnDelete".*"onDelete"/],
  [{ pathPattern: 'x' }, /"pathPattern".*"subDir"/],
  ...['0d', '30', 'd', '1.5h', '-1d', '100000s', '1w', ' 1d'].map(
    (archiveTTL) => [{ archiveTTL }, /"archiveTTL".*for example "30d"/] as const,
  ),
  [{ subDir: '../x' }, /"subDir".*"\.\."/],
  [{ subDir: '/x' }, /"subDir".*absolute/],
  [{ subDir: 'a//b' }, /"subDir".*empty part/],
  [{ subDir: '.berth/volumes' }, /"subDir".*own state/],
  [{ subDir: 'a\nb' }, /"subDir".*control character/],
  [{ subDir: 'x'.repeat(600) }, /"subDir".*longer than/],
  [{ subDir: '${pvc.metadata.labels}' }, /"subDir" has a token that is not known/],
  [{ subDir: '${pvc.metadata.name}' }, /--extra-create-metadata/],
  [{ subDir: '${pvc.metadata.name}', 'csi.storage.k8s.io/pvc/name': 'a/b' }, /contains "\/"/],
  [{ subDir: '${pvc.metadata.name}', 'csi.storage.k8s.io/pvc/name': '..' }, /"\.\."/],
  [{ onDelete: 'keep' }, /"onDelete".*delete, archive, retain/],
  [{ mode: '777x' }, /"mode"/],
  [{ mode: '8777' }, /"mode"/],
  [{ uid: '-1' }, /"uid"/],
  [{ gid: '4294967295' }, /"gid"/],
  [{ 'csi.storage.k8s.io/fstype': 'ntfs' }, /fstype/],
];

for (const [parameters, message] of refused) {
  test(`the parameters ${JSON.stringify(parameters).slice(0, 60)} are refused with what to write`, () => {
    assert.throws(
      () => readParameters(parameters, 'pvc-1'),
      (error) => error instanceof CsiError && error.code === 3 && message.test(error.message),
    );
  });
}

test('only onDelete can be changed later', () => {
  assert.deepEqual(readMutableParameters({ onDelete: 'retain' }), { onDelete: 'retain' });
  assert.throws(() => readMutableParameters({ mode: '0700' }), /cannot be changed/);
  assert.throws(() => readMutableParameters({ onDelete: 'x' }), /not known/);
});
