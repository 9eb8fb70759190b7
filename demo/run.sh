#!/bin/sh
# npm run demo, on a fresh clone too: brings the npm packages, builds, and tells the story.
# Any Node with npm will do to start it; the one that runs the demo comes with the packages.
set -e
cd "$(dirname -- "$0")/.."
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "  Set-up: npm install"
  # Not npm ci, which refuses a lock file made where the binaries for other platforms were not to be had.
  npm install --no-save --no-audit --no-fund --loglevel=error
fi
echo "  Set-up: npm run build"
npm run --silent build
exec node_modules/.bin/node demo/main.ts "$@"
