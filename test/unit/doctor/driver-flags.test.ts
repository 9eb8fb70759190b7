import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driverFlags } from '../../../src/doctor/driver-flags.ts';
import { readDoctorSettings } from '../../../src/doctor/settings.ts';

const commandLine = (...words: string[]) => `${words.join('\0')}\0`;
const driver = commandLine(
  ...['/usr/local/bin/node', '--lite-mode', '/usr/lib/berth/bin/start.cjs', 'node'],
  ...['--endpoint=unix:///var/lib/kubelet/plugins/csi.berth.dev/csi.sock', '--node-id', 'worker-7'],
  ...['--state-dir=/var/lib/kubelet/plugins/csi.berth.dev/state', '--log-level=info', '--http=0.0.0.0:1'],
  '--registration-dir=/var/lib/kubelet/plugins_registry',
);

test("the flags of this container's driver are found, in both of their forms", () => {
  assert.deepEqual(driverFlags(driver), {
    role: 'node',
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

test("what is given goes before the driver's, and that before the default", () => {
  const settings = readDoctorSettings({ timeout: '5', nodeId: 'me' }, driverFlags(driver));
  assert.equal(settings.nodeId, 'me');
  assert.equal(settings.stateDir, '/var/lib/kubelet/plugins/csi.berth.dev/state');
  assert.equal(settings.configFile, '/etc/berth/config.yaml');
  assert.equal(settings.kubeletDir, '/var/lib/kubelet');
  assert.equal(settings.registrationSocket, '/var/lib/kubelet/plugins_registry/csi.berth.dev-reg.sock');
});

test("kubelet's folder is known by either of its sockets", () => {
  const at = (flags: object) => readDoctorSettings({ timeout: '5', ...flags }, {}).kubeletDir;
  assert.equal(at({ endpoint: 'unix:///data/kubelet/plugins/x/csi.sock' }), '/data/kubelet');
  assert.equal(at({ registrationDir: '/data/kubelet/plugins_registry' }), '/data/kubelet');
  assert.equal(at({ endpoint: 'unix:///csi/csi.sock' }), '/var/lib/kubelet');
});
