import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driverFlags } from '../../src/driver-flags.ts';

const commandLine = (...words: string[]) => `${words.join('\0')}\0`;
const driver = commandLine(
  ...['/usr/local/bin/node', '--lite-mode', '/usr/lib/berth/bin/start.cjs', 'node'],
  ...['--endpoint=unix:///var/lib/kubelet/plugins/csi.berth.dev/csi.sock', '--node-id', 'worker-7'],
  ...['--state-dir=/var/lib/kubelet/plugins/csi.berth.dev/state', '--log-level=info', '--http=0.0.0.0:1'],
  '--registration-dir=/var/lib/kubelet/plugins_registry',
);

test("the flags of this container's driver are found, in both of their forms", () => {
  assert.deepEqual(driverFlags(driver), {
    mode: 'node',
    endpoint: 'unix:///var/lib/kubelet/plugins/csi.berth.dev/csi.sock',
    'node-id': 'worker-7',
    'state-dir': '/var/lib/kubelet/plugins/csi.berth.dev/state',
    'registration-dir': '/var/lib/kubelet/plugins_registry',
  });
});

test('another program with such words is no driver', () => {
  assert.deepEqual(driverFlags(commandLine('/sbin/init', 'node', '--state-dir=/x')), {});
  assert.deepEqual(driverFlags(commandLine('/pause')), {});
  assert.deepEqual(driverFlags(''), {});
});
