#!/bin/sh
# Installs what the driver runs, where the base lacks it, and drops every other package that nothing needs.
set -eu
packages=$(cat "$(dirname -- "$0")/packages")
missing() { for package in $packages; do dpkg --status "$package" >/dev/null 2>&1 || echo "$package"; done; }
if [ -n "$(missing)" ]; then
  apt-get update
  # shellcheck disable=SC2046 # the names are words of their own
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $(missing)
fi
apt-mark auto '.*' >/dev/null
# shellcheck disable=SC2086
apt-mark manual $packages >/dev/null
apt-get autoremove --purge --yes
