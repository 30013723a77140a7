#!/usr/bin/env python
"""The one door for operators: `manage.py up` runs the whole system, `manage.py help` lists the rest."""

import base64
import os
import sys


def asks_for_help(words: list[str]) -> bool:
    return not words or words[0] == "help" or bool({"-h", "--help"}.intersection(words))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "access.settings")
    if asks_for_help(sys.argv[1:]):
        # Help is given before there are secrets: it signs and seals nothing, so any will do.
        for name in ("LINTEL_SECRET_KEY", "LINTEL_MASTER_KEYS"):
            os.environ[name] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    elif sys.argv[1:2] == ["up"]:
        # Settings refuse to start without secrets; only the command that sets a system up may make them.
        from access.folder import DataFolder, FolderError

        try:
            DataFolder.default().ensure_keys()
        except FolderError as error:
            sys.exit(f"Lintel cannot start: {error}")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Lintel cannot start: {error}")
