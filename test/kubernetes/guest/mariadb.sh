#!/bin/bash
# Entry point of the image of MariaDB: makes the database where there is none, then serves it.
set -euo pipefail
data=/var/lib/mysql
mkdir -p /run/mysqld
chown mysql:mysql /run/mysqld "$data"
if [[ ! -d $data/mysql ]]; then
  mariadb-install-db --user=mysql --datadir="$data" --skip-test-db >/dev/null
fi
init=/run/mysqld/init.sql
{
  echo "ALTER USER root@localhost IDENTIFIED BY '${MARIADB_ROOT_PASSWORD:?}';"
  echo "CREATE DATABASE IF NOT EXISTS \`${MARIADB_DATABASE:-app}\`;"
} >"$init"
chown mysql:mysql "$init"
exec mariadbd --user=mysql --datadir="$data" --init-file="$init" --bind-address=0.0.0.0 "$@"
