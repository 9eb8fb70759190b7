// Runs the bundle with the compiled code that the build kept of it (scripts/keep-compiled-code.ts), for each role.
// Node's own compile cache is of no use here: it keeps what V8 compiles while a file is loaded, and V8 compiles most
// functions when they are first called. Code of another source, version or set of V8's flags is refused by V8, and
// compiled anew.
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const bundle = join(__dirname, '../dist/berth.cjs');
const kept = join(__dirname, `../dist/${process.argv[2]}.compiled`);

const script = new Script(
  `(function (require, module, exports, __dirname, __filename) {${readFileSync(bundle, 'utf8')}\n})`,
  {
    filename: bundle,
    cachedData: readIfThere(kept),
  },
);
if (process.env.BERTH_KEEP_COMPILED_CODE) {
  process.once('exit', () => writeFileSync(kept, script.createCachedData(), { mode: 0o644 }));
}
script.runInThisContext()(require, module, exports, dirname(bundle), bundle);

function readIfThere(file) {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
