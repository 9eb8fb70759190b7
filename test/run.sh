#!/bin/sh
# npm test, on a fresh clone too: brings what the tests need, checks, builds, and runs every test.
set -e
cd "$(dirname -- "$0")/.."
sh scripts/install.sh
PATH=$PWD/node_modules/.bin:$PATH
node test/setup/main.ts
npm run --silent check
npm run --silent build
# One after the other: two cores are few for a virtual machine, and a driver that is timed shares them badly.
exec node --test --test-concurrency=1 \
  'test/unit/**/*.test.ts' 'test/wire/*.test.ts' 'test/integration/**/*.test.ts' 'test/deploy/*.test.ts' 'test/sanity/*.test.ts' 'test/image/*.test.ts' 'test/vm/*.test.ts' 'test/kubernetes/short.test.ts'
