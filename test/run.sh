#!/bin/sh
# npm test, on a fresh clone too: brings what the tests need, checks, builds, and runs every test.
set -e
cd "$(dirname -- "$0")/.."
sh scripts/install.sh
PATH=$PWD/node_modules/.bin:$PATH
node test/setup/main.ts
npm run --silent check
npm run --silent build
exec node test/run.ts
