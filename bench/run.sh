#!/bin/sh
# npm run bench, on a fresh clone too: brings what it needs, builds, and measures.
set -e
cd "$(dirname -- "$0")/.."
sh scripts/install.sh
PATH=$PWD/node_modules/.bin:$PATH
node test/setup/main.ts
npm run --silent build
exec node bench/main.ts "$@"
