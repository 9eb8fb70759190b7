#!/bin/sh
# npm run demo, on a fresh clone too: brings the npm packages, builds, and tells the story.
set -e
cd "$(dirname -- "$0")/.."
sh scripts/install.sh
echo "  Set-up: npm run build"
npm run --silent build
exec node_modules/.bin/node demo/main.ts "$@"
