"""The real settings, with test secrets, on a data folder of their own; importing this starts nothing.

The folder's name goes through the environment, so that workers and web servers started by a test meet
the same servers. DATABASE_URL and LINTEL_DATA of the developer are never used: tests erase things.
"""

import base64
import os
import secrets
import tempfile
from pathlib import Path

from access.folder import DataFolder

_place = os.environ.get("LINTEL_TEST_DATA") or str(
    Path(tempfile.gettempdir()) / f"lintel-tests-{secrets.token_hex(6)}"
)
_runner = os.environ.get("PYTEST_XDIST_WORKER", "")  # each of several runs its tests on servers of its own
if not _place.endswith(_runner):
    _place += _runner
_folder = DataFolder(Path(_place))
os.environ.update(
    LINTEL_TEST_DATA=_place,
    LINTEL_DATA=str(_folder.path),
    DATABASE_URL=_folder.database_url(),
    REDIS_URL=_folder.redis_url(),
    LINTEL_DATABASE_POOL="0",  # a pool's idle connections would keep the test database from being dropped
    LINTEL_SECRET_KEY="only-for-tests",
    LINTEL_MASTER_KEYS=base64.urlsafe_b64encode(b"only for tests".ljust(32, b".")).decode("ascii"),
)

from access.settings import *  # noqa: E402, F403

# Static files straight from the packages: nothing is collected for a test.
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"  # noqa: F405
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
