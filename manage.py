#!/usr/bin/env python
"""The one door for operators: `manage.py up` runs the whole system, `manage.py help` lists the rest."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "access.settings")
    if sys.argv[1:2] == ["up"]:
        # Settings refuse to start without secrets; only the command that sets a system up may make them.
        from access.folder import DataFolder, FolderError

        try:
            DataFolder.default().ensure_keys()
        except FolderError as error:
            sys.exit(f"Lintel cannot start: {error}")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
