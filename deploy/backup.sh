#!/usr/bin/env bash
# Back up the database into a new folder: `deploy/backup.sh FOLDER`. Doors keep working meanwhile.
# Makes FOLDER/lintel-TIME/ with the dump, the number of rows of each table in that very dump, and
# checksums. An interrupted run leaves only a folder that ends in .part.
#
# The master keys are NOT in it, on purpose: a backup alone opens no photograph and no faceprint.
# Keep the keys (LINTEL_MASTER_KEYS, or keys/master_keys) elsewhere; without them a backup restores
# people, punches and the audit trail, and everybody must be enrolled again.
set -euo pipefail
umask 077

[[ $# -eq 1 && $1 != -* ]] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
target=$1
# shellcheck source=connection.sh
source "$(dirname "${BASH_SOURCE[0]}")/connection.sh"

mkdir -p "$target"
target=$(cd "$target" && pwd)
name=lintel-$(date -u +%Y%m%dT%H%M%SZ)
[[ ! -e $target/$name ]] || fail "$target/$name is there already"
DRAFT=$target/$name.part
export DRAFT
mkdir "$DRAFT"

# One snapshot for both: what is counted is what is dumped, whatever the doors write meanwhile.
sql <<'SQL'
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\! pg_dump --snapshot="$SNAPSHOT" --format=custom --no-owner --no-privileges --file="$DRAFT/database.dump" && touch "$DRAFT/complete"
\getenv draft DRAFT
\cd :draft
\o rows.txt
SELECT format('SELECT %L, count(*) FROM %s', c.oid::regclass, c.oid::regclass)
FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname
\gexec
\o
COMMIT;
SQL
[[ -e $DRAFT/complete ]] || fail "pg_dump failed; $DRAFT is not a backup"
rm "$DRAFT/complete"
[[ -s $DRAFT/rows.txt ]] || fail "there are no tables: is this the right database?"
pg_restore --list "$DRAFT/database.dump" >/dev/null
(cd "$DRAFT" && sha256sum database.dump rows.txt >SHA256SUMS)
sync -f "$DRAFT" 2>/dev/null || sync
mv "$DRAFT" "$target/$name"
echo "$target/$name"
echo "$(wc -l <"$target/$name/rows.txt") tables, $(awk -F'|' '{n += $2} END {print n + 0}' "$target/$name/rows.txt") rows." \
    "The master keys are not in it: keep them elsewhere." >&2
