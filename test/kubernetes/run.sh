#!/bin/sh
# On a fresh clone too: brings what the cluster needs, then runs a program of this folder.
set -e
cd "$(dirname -- "$0")/../.."
sh scripts/install.sh
PATH=$PWD/node_modules/.bin:$PATH
npm run --silent generate
node test/kubernetes/setup.ts
if [ "$1" = --test ]; then
  file=test/kubernetes/$2
  shift 2
  exec node --test --test-reporter=spec "$@" "$file"
fi
program=test/kubernetes/$1
shift
exec node "$program" "$@"
