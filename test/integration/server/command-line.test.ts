import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { refuseOldNode } from '../../../scripts/bundle/refuse-old-node.ts';
import { makeMachine } from '../../support/driver.ts';
import { temporaryDirectory } from '../../support/tree.ts';

const wrong: readonly [what: string, args: readonly string[], line: RegExp][] = [
  ['no command', [], /the command is missing: expected controller, node, all, local/],
  ['nothing but a separator', ['--'], /the command is missing/],
  [
    'an unknown command',
    ['everything'],
    /unknown command 'everything': expected controller, node, all, local/,
  ],
  ['an unknown command with a flag', ['everything', '--config', 'x'], /unknown command 'everything'/],
  ['an unknown command of two lines', ['every\nthing'], /unknown command 'every thing'/],
  ['help for a command that there is not', ['help', 'everything'], /unknown command 'help'/],
  ['an unknown flag', ['all', '--nonsense'], /unknown option '--nonsense'/],
  ['an unknown flag of the node', ['node', '--node-id', 'a', '--nonsense'], /unknown option '--nonsense'/],
  ['an unknown flag without a command', ['--nonsense'], /unknown option '--nonsense'/],
  ['a flag without its value', ['all', '--endpoint'], /option '--endpoint <url>' argument missing/],
  ['a word too many', ['controller', 'extra'], /too many arguments for 'controller'.*: extra/],
  [
    'a TCP endpoint',
    ['all', '--node-id', 'a', '--endpoint', 'tcp://1.2.3.4:5'],
    /--endpoint tcp.*expected a UNIX socket/,
  ],
  [
    'a socket path the kernel refuses',
    ['all', '--node-id', 'a', '--endpoint', `unix:///${'x'.repeat(120)}`],
    /--endpoint.*longer than 102/,
  ],
  ['a missing node id', ['node'], /--node-id is missing/],
  ['a node id of 257 bytes', ['node', '--node-id', 'x'.repeat(257)], /--node-id: expected at most 256 bytes/],
  [
    'a limit that is no number',
    ['all', '--node-id', 'a', '--max-volumes-per-node', 'many'],
    /--max-volumes-per-node many: expected a number/,
  ],
  ['a driver name with a slash', ['controller', '--driver-name', 'a/b'], /--driver-name a\/b: expected/],
  ['an unknown log level', ['controller', '--log-level', 'loud'], /--log-level loud: expected one of/],
  [
    'a relative state directory',
    ['controller', '--state-dir', 'x'],
    /--state-dir x: expected an absolute path/,
  ],
  ['the root as state directory', ['controller', '--state-dir', '//'], /--state-dir \/\/: expected an abs/],
  ['the root as state directory, dotted', ['controller', '--state-dir', '/.'], /--state-dir \/\.: expected/],
  [
    'a relative registration directory',
    ['node', '--node-id', 'a', '--registration-dir', 'x'],
    /--registration-dir x: expected an absolute path/,
  ],
  [
    'a CSI socket in the registration directory',
    ['node', '--node-id', 'a', '--registration-dir', '/reg', '--endpoint', 'unix:///reg/csi/csi.sock'],
    /--endpoint \/reg\/csi\/csi\.sock: it is inside --registration-dir/,
  ],
  [
    'a registration directory with a path the kernel refuses',
    ['node', '--node-id', 'a', '--registration-dir', `/${'x'.repeat(100)}`],
    /--registration-dir .*longer than 107/,
  ],
  [
    'an HTTP address without a port',
    ['controller', '--http', '127.0.0.1'],
    /--http 127\.0\.0\.1: expected an/,
  ],
  ['an HTTP name that is no address', ['controller', '--http', 'a.b:80'], /--http a\.b:80: expected an addr/],
  [
    'a missing config',
    ['controller', '--config', '/nonexistent'],
    /--config \/nonexistent: there is no such file/,
  ],
];

for (const [what, args, line] of wrong) {
  test(`${what} ends the program with status 2 and one line`, async (t) => {
    const machine = await makeMachine(t);
    await assert.rejects(machine.run(args), (error: Error) => {
      assert.match(error.message, line);
      assert.match(error.message, /^status 2: berth: /);
      assert.equal(error.message.trim().split('\n').length, 1, error.message);
      return true;
    });
  });
}

test('a wrong config ends the program with its place and what was expected', async (t) => {
  const machine = await makeMachine(t);
  const config = join(machine.directory, 'wrong.yaml');
  await writeFile(config, 'pools:\n  nas:\n    nfs: { server: nas }\n');
  await assert.rejects(
    machine.run(['controller', '--config', config]),
    /status 2: berth: .*wrong\.yaml:3:10: pools\.nas\.nfs\.path/,
  );
});

test('a registration directory that is not there ends the program, and its socket is gone', async (t) => {
  const machine = await makeMachine(t);
  const socket = join(machine.directory, 'csi.sock');
  await assert.rejects(
    machine.run([
      'node',
      '--node-id',
      'a',
      '--endpoint',
      `unix://${socket}`,
      '--registration-dir',
      '/nowhere',
    ]),
    /status 2: berth: --registration-dir \/nowhere: there is no such directory/,
  );
  assert.ok(!existsSync(socket));
});

test('a state directory that cannot be looked up ends the program with its reason', async (t) => {
  const { directory, run } = await makeMachine(t);
  const [loop, dangling, file] = ['loop', 'dangling', 'file'].map((name) => join(directory, name));
  assert.ok(loop && dangling && file);
  await symlink(loop, loop);
  await symlink(join(directory, 'nothing'), dangling);
  await writeFile(file, '');
  for (const [path, reason] of [
    [loop, 'ELOOP'],
    [join(loop, 'state'), 'ELOOP'],
    [dangling, 'ENOENT'],
    [join(dangling, 'state'), 'ENOENT'],
    [join(file, 'state'), 'ENOTDIR'],
  ] as const) {
    await assert.rejects(
      run(['controller', '--state-dir', path]),
      new RegExp(
        `status 2: berth: --state-dir ${path}: .* cannot be looked up \\(${reason}\\); give another`,
      ),
    );
  }
});

test('a driver that fails ends, whatever is still open in its process', async (t) => {
  const machine = await makeMachine(t);
  const env = { NODE_OPTIONS: '--import=data:text/javascript,setInterval(()=>{},1000)' };
  await assert.rejects(
    machine.run(['controller', '--config', '/nonexistent'], env),
    /^Error: status 2: berth: --config \/nonexistent: there is no such file/,
  );
});

test('the environment stands in for flags, and flags win', async (t) => {
  const machine = await makeMachine(t);
  const env = { CSI_ENDPOINT: 'tcp://csi', BERTH_ENDPOINT: 'tcp://berth' };
  await assert.rejects(machine.run(['controller'], { CSI_ENDPOINT: 'tcp://csi' }), /--endpoint tcp:\/\/csi/);
  await assert.rejects(machine.run(['controller'], env), /--endpoint tcp:\/\/berth/);
  await assert.rejects(
    machine.run(['controller', '--endpoint', 'tcp://flag'], env),
    /--endpoint tcp:\/\/flag/,
  );
  await assert.rejects(
    machine.run(['node', '--config', '/nonexistent'], { NODE_ID: 'from-env' }),
    /--config \/nonexistent/,
  );
  await assert.rejects(machine.run(['controller'], { BERTH_HTTP: 'from-env' }), /--http from-env/);
});

test('help and version are no errors', async (t) => {
  const machine = await makeMachine(t);
  assert.match(await machine.run(['--help']), /controller.*node.*all/s);
  assert.match(await machine.run(['--help']), /CSI_ENDPOINT and NODE_ID/);
  assert.match(await machine.run(['node', '--help']), /--endpoint.*CSI_ENDPOINT.*NODE_ID.*--log-level/s);
  assert.match(await machine.run(['controller', '--help']), /ignored by\s+controller/);
  assert.match(await machine.run(['--version']), /^\d+\.\d+\.\d+/);
});

/** Runs the check that comes before the bundle on a Node of this version. */
const onNode = (version: string) =>
  execa({ reject: false })(process.execPath, [
    '-e',
    `(function (process) { ${refuseOldNode}; console.log('went on'); })({ __proto__: process, versions: { node: '${version}' } })`,
  ]);

test('a Node that is too old is refused with status 2 and one line', async () => {
  const old = await onNode('20.20.2');
  assert.equal(old.exitCode, 2);
  assert.equal(old.stdout, '');
  assert.equal(
    old.stderr,
    'berth: this is Node 20.20.2, and 26.1 or newer is needed; name one with BERTH_NODE_BINARY',
  );
  for (const version of ['26.1.0', '27.0.0', '100.1.0'])
    assert.equal((await onNode(version)).stdout, 'went on');
});

test('the launcher takes the Node that is named, else the one of its clone, else that of the PATH', async (t) => {
  const clone = await temporaryDirectory(t);
  const fake = async (directory: string, name: string) => {
    const at = join(clone, directory);
    await mkdir(at, { recursive: true });
    await writeFile(join(at, 'node'), `#!/bin/sh\necho ${name}\n`, { mode: 0o755 });
    return at;
  };
  await mkdir(join(clone, 'bin'));
  await copyFile(resolve(import.meta.dirname, '../../../bin/berth'), join(clone, 'bin/berth'));
  const PATH = `${await fake('path', 'path')}:${process.env.PATH}`;
  const launched = async (env: Readonly<Record<string, string>> = {}) => {
    const named = { BERTH_NODE_BINARY: '', PATH, ...env };
    return (await execa({ env: named })(join(clone, 'bin/berth'), ['node'])).stdout;
  };
  assert.equal(await launched(), 'path');
  await fake('node_modules/node/bin', 'clone');
  assert.equal(await launched(), 'clone');
  assert.equal(await launched({ BERTH_NODE_BINARY: join(await fake('named', 'named'), 'node') }), 'named');
});
