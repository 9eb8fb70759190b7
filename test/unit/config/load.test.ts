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
  const { pools } = parseConfig(
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
  const pool = parseConfig('pools: { nas: { nfs: { server: nas.lan, path: / } } }', 'c.yaml').pools.get(
    'nas',
  );
  assert.deepEqual(pool?.kind === 'nfs' && pool.nfs.mountOptions, []);
});

test('a path has one spelling, whichever it was written in', () => {
  const { pools } = parseConfig(
    'pools: { a: { local: { path: //srv/./x/ } }, b: { nfs: { server: nas, path: /e//k8s/ } } }',
    'c.yaml',
  );
  const [a, b] = [pools.get('a'), pools.get('b')];
  assert.equal(a?.kind === 'local' && a.local.path, '/srv/x');
  assert.equal(b?.kind === 'nfs' && b.nfs.path, '/e/k8s');
});

for (const server of ['nas', 'NAS-1.lan', '3com.example', '10.0.0.5', 'fd00::5', '[fd00::5]', '::1']) {
  test(`the server ${server} is accepted`, () => {
    const { pools } = parseConfig(`pools: { a: { nfs: { server: "${server}", path: / } } }`, 'c.yaml');
    const pool = pools.get('a');
    assert.equal(pool?.kind === 'nfs' && pool.nfs.server, server);
  });
}

const noServers = [
  ...['', ':', '[fd00::5', 'fd00::5]', '[]', '[10.0.0.5]', '[nas]', 'fd00:::5', 'fe80::1%eth0', '1:2'],
  ...['10.0.0.256', '10.0.0', '-nas', 'nas-', 'a..b', 'nas.', 'a_b', 'a b', `${'x'.repeat(64)}.lan`],
];
for (const server of noServers) {
  test(`the server ${JSON.stringify(server)} is refused`, () => {
    assert.match(
      refusal(`pools: { a: { nfs: { server: "${server}", path: / } } }`),
      /^c\.yaml:1:30: pools\.a\.nfs\.server: expected a host name or an IP address of the NFS server$/,
    );
  });
}

/** Two pools, the second's path in line 3, column 27 or later. */
const twoPools = (one: string, two: string): string => `pools:\n  one: { ${one} }\n  two: { ${two} }\n`;
const nfs = (server: string, path: string): string => `nfs: { path: ${path}, server: "${server}" }`;

const overlaps: readonly [what: string, text: string, message: RegExp][] = [
  [
    'local pools on one directory',
    twoPools('local: { path: /srv/x }', 'local: { path: //srv/./x/ }'),
    /^c\.yaml:3:25: pools\.two\.local\.path: the pool two is on the same directory as the pool one \(\/srv\/x\); give/,
  ],
  [
    'a local pool inside another',
    twoPools('local: { path: /srv }', 'local: { path: /srv/x }'),
    /the pool two is inside the pool one \(\/srv\)/,
  ],
  [
    'a local pool around another',
    twoPools('local: { path: /srv/x }', 'local: { path: /srv }'),
    /the pool two is around the pool one \(\/srv\/x\)/,
  ],
  [
    'NFS pools on one export',
    twoPools(nfs('nas.lan', '/e'), nfs('NAS.lan', '/e/')),
    /^c\.yaml:3:23: pools\.two\.nfs\.path: the pool two is on the same directory as the pool one/,
  ],
  [
    'an NFS pool inside a whole export',
    twoPools(nfs('10.0.0.5', '/'), nfs('10.0.0.5', '/x')),
    /the pool two is inside the pool one \(\/\)/,
  ],
  [
    'an NFS pool inside another, with the address in another spelling',
    twoPools(nfs('fd00::5', '/e'), nfs('[FD00:0::5]', '/e/x')),
    /the pool two is inside the pool one/,
  ],
];
for (const [what, text, message] of overlaps) {
  test(`${what}: refused, with both names`, () => {
    assert.match(refusal(text), message);
  });
}

test('pools side by side, on other servers or of other kinds are accepted', () => {
  const sideBySide = [
    twoPools('local: { path: /srv/x }', 'local: { path: /srv/xy }'),
    twoPools(nfs('nas', '/e/a'), nfs('nas', '/e/b')),
    twoPools(nfs('nas', '/e'), nfs('nas2', '/e')),
    twoPools(nfs('nas', '/e'), 'local: { path: /e }'),
  ];
  for (const text of sideBySide) assert.equal(parseConfig(text, 'c.yaml').pools.size, 2);
});

test('devices are patterns of paths below /dev, and none are allowed by themselves', () => {
  const pools = 'pools: { a: { local: { path: /x } } }\n';
  assert.deepEqual(parseConfig(pools, 'c.yaml').devices, []);
  const { devices } = parseConfig(`${pools}devices: [/dev/disk/by-id/wwn-*, /dev/mapper/san-?]\n`, 'c.yaml');
  assert.deepEqual(devices, ['/dev/disk/by-id/wwn-*', '/dev/mapper/san-?']);
  for (const bad of ['/etc/*', 'sda', '/dev/../etc/passwd', '/dev'])
    assert.match(
      refusal(`${pools}devices: ["${bad}"]\n`),
      /^c\.yaml:2:11: devices\.0: expected an? (absolute )?path/,
    );
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
    /^c\.yaml:3:5: pools\.nas: unknown key nsf; expected nfs, local \(and 1 more\)$/,
  ],
  [
    'an unknown key after others',
    'pools:\n  nas:\n    nfs:\n      server: a\n      path: /\n      colour: red\n',
    /^c\.yaml:6:7: pools\.nas\.nfs: unknown key colour; expected server, path, mountOptions$/,
  ],
  [
    'an unknown key of a pool behind an alias',
    'pools:\n  a: { local: &x { path: /x, b: 1 } }\n  c: { local: *x }\n',
    /^c\.yaml:2:30: pools\.a\.local: unknown key b; expected path \(and \d more\)$/,
  ],
  [
    'an unknown key beside the pools',
    'pools: { a: { local: { path: /x } } }\n\ncolour: red\n',
    /^c\.yaml:3:1: the file: unknown key colour; expected pools, devices$/,
  ],
  [
    'an unknown key after a fault',
    'pools:\n  a: { local: { path: x } }\npol: {}\n',
    /^c\.yaml:3:1: the file: unknown key pol; expected pools, devices \(and 1 more\)$/,
  ],
  [
    '"pools" misspelt',
    'pool: {}\n',
    /^c\.yaml:1:1: the file: unknown key pool; expected pools, devices \(and 1 more\)$/,
  ],
  [
    'several YAML documents',
    'pools: { a: { local: { path: /x } } }\n---\npools: {}\n',
    /^c\.yaml:2:1: a second YAML document begins here; put all pools into one$/,
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
  ['the whole machine, doubled', 'pools:\n  a:\n    local: { path: // }\n', /^c\.yaml:3:20: .*below "\/"/],
  ['the whole machine, dotted', 'pools:\n  a:\n    local: { path: /./. }\n', /below "\/"/],
  ['a path that climbs', 'pools:\n  a:\n    local: { path: /a/../b }\n', /without "\.\."/],
  [
    'a pool name in capitals',
    'pools:\n  NAS:\n    local: { path: /x }\n',
    /^c\.yaml:2:3: pools\.NAS.*lower-case/,
  ],
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
