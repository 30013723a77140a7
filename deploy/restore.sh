#!/usr/bin/env bash
# Restore a backup: `deploy/restore.sh [--force] FOLDER/lintel-TIME`. Stop web, workers and beat first.
# Refuses a database that holds tables unless --force is given, which empties it. All in one transaction:
# if anything fails, or any table has another number of rows than the backup says, nothing has changed.
# Afterwards start the same or a newer version and run `manage.py migrate`.
set -euo pipefail

usage() {
    sed -n '2,5s/^# //p' "$0" >&2
    exit 2
}
force=""
[[ ${1:-} != --force ]] || { force=yes; shift; }
[[ $# -eq 1 && $1 != -* ]] || usage
backup=$1
# shellcheck source=connection.sh
source "$(dirname "${BASH_SOURCE[0]}")/connection.sh"

[[ -s $backup/database.dump && -s $backup/rows.txt ]] || fail "$backup is no backup of backup.sh"
(cd "$backup" && sha256sum --check --quiet SHA256SUMS) || fail "$backup is damaged"

OURS="FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'S')
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"
present=$(sql -c "SELECT count(*) $OURS")
if [[ $present -gt 0 && -z $force ]]; then
    fail "$PGDATABASE is not empty ($present objects). Restore into an empty database, or add --force to replace it."
fi
# Our own earlier questions may take a moment to disappear; they bear our name.
connected=$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                    AND backend_type = 'client backend' AND application_name <> '$PGAPPNAME'")
[[ $connected -eq 0 ]] || fail "$connected connections are open: stop web, workers and beat first."
[[ $(sql -c "SELECT count(*) FROM pg_extension WHERE extname = 'vector'") -eq 1 ]] ||
    fail "the extension vector is missing: a superuser runs CREATE EXTENSION vector in $PGDATABASE once"

# The extension belongs to the server's superuser and is there already.
list=$(mktemp)
trap 'rm -f "$list" "$list.said"' EXIT
pg_restore --list "$backup/database.dump" | grep -v -E ' (EXTENSION|COMMENT) - ' >"$list"

emptied() {
    cat <<SQL
DO \$\$ DECLARE thing record; BEGIN
    FOR thing IN SELECT c.oid::regclass AS name, c.relkind AS kind $OURS AND c.relkind <> 'S' LOOP
        EXECUTE format('DROP %s IF EXISTS %s CASCADE',
            CASE thing.kind WHEN 'r' THEN 'TABLE' WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END, thing.name);
    END LOOP;
    FOR thing IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP
        EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', thing.name);
    END LOOP;
END \$\$;
SQL
}

verified() {
    local table rows
    while IFS='|' read -r table rows; do
        [[ $table =~ ^[a-z0-9_]+$ && $rows =~ ^[0-9]+$ ]] || fail "rows.txt is not what backup.sh writes"
        cat <<SQL
DO \$\$ DECLARE n bigint; BEGIN
    SELECT count(*) INTO n FROM public."$table";
    IF n <> $rows THEN RAISE EXCEPTION '$table has % rows, the backup has $rows', n; END IF;
END \$\$;
SQL
    done <"$backup/rows.txt"
}

# COMMIT is written only if everything before it was: a stream that ends early is rolled back.
# (&& and not `set -e`, which bash suspends on the left of ||.)
{
    echo 'BEGIN;' && emptied &&
        pg_restore --no-owner --no-privileges --no-comments --use-list="$list" --file=- "$backup/database.dump" &&
        verified && printf '%s\n' 'COMMIT;' '\echo restored'
} | sql -o /dev/null >"$list.said" || fail "nothing was changed."
[[ $(cat "$list.said") == restored ]] || fail "nothing was changed."
sql -c ANALYZE
echo "Restored $(wc -l <"$backup/rows.txt") tables into $PGDATABASE; every number of rows is the backup's."
