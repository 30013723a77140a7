#!/usr/bin/env bash
# The role and the database of Lintel on a new server. Runs once: by the container's entry point, or by
# hand as the superuser, where PGHOST and PGPORT name the server and DATABASE_PASSWORD_FILE the password.
# The role is no superuser, so what the database forbids (changing the audit trail) is forbidden to it too.
set -euo pipefail

# The password goes through psql's own reading of the file: a command line is seen by everybody.
psql -X -q -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\set password `cat "$DATABASE_PASSWORD_FILE"`
CREATE ROLE lintel LOGIN PASSWORD :'password';
CREATE DATABASE lintel OWNER lintel;
\connect lintel
CREATE EXTENSION vector;
SQL
