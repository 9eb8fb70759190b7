import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/config/load.ts';
import { UsageError } from '../../../src/errors/usage-error.ts';

function refusal(text: string): string {
  try {
    parseConfig(text, 'c.yaml');
  } catch (error) {
    assert.ok(error instanceof UsageError);
    assert.ok(!error.message.includes('\n'), 'the refusal is one line');
    return error.message;
  }
  return assert.fail('the config was accepted');
}

test('a config with both kinds of pool is read', () => {
  const pools = parseConfig(
    'pools:\n  nas:\n    nfs: { server: 10.0.0.5, path: /export, mountOptions: [nfsvers=4.2, hard] }\n  scratch:\n    local: { path: /srv/x }\n',
    'c.yaml',
  );
  assert.deepEqual([...pools.keys()], ['nas', 'scratch']);
  assert.deepEqual(pools.get('nas'), {
    kind: 'nfs',
    name: 'nas',
    nfs: { server: '10.0.0.5', path: '/export', mountOptions: ['nfsvers=4.2', 'hard'] },
  });
});

test('mount options may be left out', () => {
  const pool = parseConfig('pools: { nas: { nfs: { server: nas.lan, path: / } } }', 'c.yaml').get('nas');
  assert.deepEqual(pool?.kind === 'nfs' && pool.nfs.mountOptions, []);
});

const refusals: readonly [what: string, text: string, message: RegExp][] = [
  ['an empty file', '', /^c\.yaml:1:1: pools: expected a mapping/],
  ['an alias that leads nowhere', 'pools: *nas', /^c\.yaml:1:1: not valid YAML: .*alias/],
  ['a list of pools', 'pools:\n  - nas\n', /pools: expected a mapping/],
  [
    'options that are no list',
    'pools: { a: { nfs: { server: a, path: /, mountOptions: hard } } }',
    /expected a list/,
  ],
  ['no pools', 'pools: {}', /^c\.yaml:1:8: pools: .*at least one pool/],
  ['broken YAML', 'pools: [', /^c\.yaml:1:\d+: not valid YAML/],
  ['a doubled key', 'pools:\n  a: {}\n  a: {}\n', /^c\.yaml:3:3: not valid YAML/],
  [
    'a misspelt key',
    'pools:\n  nas:\n    nsf: { server: a, path: / }\n',
    /^c\.yaml:3:5: pools\.nas: unknown key nsf/,
  ],
  [
    'a pool of both kinds',
    'pools:\n  nas:\n    nfs: { server: a, path: / }\n    local: { path: /x }\n',
    /pools\.nas: expected exactly one/,
  ],
  [
    'a missing server',
    'pools:\n  nas:\n    nfs: { path: / }\n',
    /^c\.yaml:3:10: pools\.nas\.nfs\.server: expected a string/,
  ],
  [
    'a server that is an option',
    'pools:\n  nas:\n    nfs: { server: "-o x", path: / }\n',
    /pools\.nas\.nfs\.server: .*host name/,
  ],
  [
    'a relative path',
    'pools:\n  a:\n    local: { path: x }\n',
    /^c\.yaml:3:20: pools\.a\.local\.path: expected an absolute path/,
  ],
  ['the whole machine', 'pools:\n  a:\n    local: { path: / }\n', /below "\/"/],
  ['a path that climbs', 'pools:\n  a:\n    local: { path: /a/../b }\n', /without "\.\."/],
  ['a pool name in capitals', 'pools:\n  NAS:\n    local: { path: /x }\n', /pools\.NAS.*lower-case/],
  [
    'an option that names another server',
    'pools:\n  a:\n    nfs: { server: a, path: /, mountOptions: [addr=10.0.0.1] }\n',
    /mountOptions\.0: the mount option "addr" is not allowed/,
  ],
];

for (const [what, text, message] of refusals) {
  test(`a config with ${what} is refused with the place and what was expected`, () => {
    assert.match(refusal(text), message);
  });
}
