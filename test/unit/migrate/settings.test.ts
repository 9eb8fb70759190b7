import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMigrateSettings } from '../../../src/migrate/settings.ts';

const flags = { sameServer: [], provisioner: [], handWritten: false, released: false };

test("config and driver: what is given goes before that of this container's driver, and that before the default", () => {
  const read = (given: object, driver: object) => {
    const { configFile, driver: name } = readMigrateSettings({ ...flags, ...given }, driver);
    return [configFile, name];
  };
  const driver = { config: '/config/berth.yaml', 'driver-name': 'x.example' };
  assert.deepEqual(read({}, {}), ['/etc/berth/config.yaml', 'csi.berth.dev']);
  assert.deepEqual(read({}, driver), ['/config/berth.yaml', 'x.example']);
  assert.deepEqual(read({ driverName: 'y.example' }, driver), ['/config/berth.yaml', 'y.example']);
  assert.deepEqual(read({ config: '/mine' }, driver), ['/mine', 'x.example']);
});
