import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDoctorSettings } from '../../../src/doctor/settings.ts';

const driver = {
  'node-id': 'worker-7',
  'state-dir': '/var/lib/kubelet/plugins/csi.berth.dev/state',
  'registration-dir': '/var/lib/kubelet/plugins_registry',
};

test("what is given goes before the driver's, and that before the default", () => {
  const settings = readDoctorSettings({ timeout: '5', nodeId: 'me' }, driver);
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
