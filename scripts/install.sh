#!/bin/sh
# Brings the npm packages where they are missing or out of date: what a fresh clone needs before anything else.
# Any Node with npm will do to start it; the one that everything runs on comes with the packages.
set -e
cd "$(dirname -- "$0")/.."
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "set-up: npm ci"
  npm ci --no-audit --no-fund --loglevel=error
fi
