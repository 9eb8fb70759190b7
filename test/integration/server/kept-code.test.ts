import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';

const launcher = resolve(import.meta.dirname, '../../../bin/berth');

/** Loaded into the driver before its own code: tells what V8 thinks of the compiled code it is given. */
const tell = `data:text/javascript,${encodeURIComponent(`
  import vm from 'node:vm';
  const { Script } = vm;
  vm.Script = class extends Script {
    constructor(source, options) {
      super(source, options);
      process.stderr.write('refused: ' + this.cachedDataRejected);
    }
  };`)}`;

for (const role of ['controller', 'node', 'all']) {
  test(`V8 takes the compiled code that the build has kept for the role ${role}`, async () => {
    const { stderr } = await execa(launcher, [role, '--help'], {
      env: { BERTH_NODE_BINARY: process.execPath, NODE_OPTIONS: `--import ${tell}` },
    });
    assert.equal(stderr, 'refused: false');
  });
}
