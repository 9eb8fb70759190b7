#!/bin/sh
# On a fresh clone too: brings what the cluster needs, then runs a program of this folder.
set -e
started=$(date +%s)
trap 'echo "the whole took $((($(date +%s) - started + 30) / 60)) minutes, set-up included"' EXIT
cd "$(dirname -- "$0")/../.."
sh scripts/install.sh
PATH=$PWD/node_modules/.bin:$PATH
npm run --silent generate
node test/kubernetes/setup.ts
if [ "$1" = --test ]; then
  node --test --test-reporter=spec "test/kubernetes/$2"
  exit
fi
program=test/kubernetes/$1
shift
node "$program" "$@"
