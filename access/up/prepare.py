"""`python -m access.up.prepare`: make the running database fit for the website. Safe to repeat.

A process of its own, because Django's connection pool starts threads and the supervisor may have none.
"""

import argparse
import hashlib
import io
import socket
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="access.up.prepare", description=__doc__)
    parser.add_argument("--no-demo", action="store_true", help="leave out the demo site")
    options = parser.parse_args(arguments)

    # Here and not above: nothing in this package may load the tables when it is imported.
    import django

    django.setup()
    from django.core.management import CommandError, call_command

    from access.up.progress import step

    try:
        with step("settings"):
            call_command("check", fail_level="ERROR", stdout=io.StringIO())
        with step("migrations"):
            call_command("migrate", interactive=False, verbosity=0)
        with step("static files"):
            _collect_static()
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1
    _forget_workers_of_this_machine()
    _first_admin()
    if not options.no_demo:
        _demo()
    return 0


def _collect_static() -> None:
    """Only when a file has changed: compressing them all takes longer than the rest of the start."""
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders
    from django.core.management import call_command

    files = sorted(
        (path, storage.get_modified_time(path), storage.size(path))
        for finder in get_finders()
        for path, storage in finder.list([])
    )
    fingerprint = hashlib.sha256(repr((settings.STORAGES["staticfiles"], files)).encode()).hexdigest()
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    if stamp.exists() and stamp.read_text(encoding="ascii") == fingerprint:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(fingerprint, encoding="ascii")


def _forget_workers_of_this_machine() -> None:
    """They died with the last run; counted for a few seconds more, they would make us look ready too soon."""
    from access import health

    health.Worker.objects.filter(name__startswith=f"{socket.gethostname()}:").delete()


def _first_admin() -> None:
    from access import staff

    if login := staff.first_admin():
        name, password = login
        print(
            f"\n  Admin login, shown only this once:\n      name      {name}\n      password  {password}\n",
            flush=True,
        )


def _demo() -> None:
    from access.up import demo
    from access.up.progress import step

    with step("demo site") as notes:
        summary = demo.seed()
        notes.extend(f"{value} {key}" for key, value in (summary or {}).items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
