"""The web process, the same in a container, under systemd and by hand:
`gunicorn -c deploy/gunicorn.conf.py access.wsgi:application`.
"""

import os

bind = os.environ.get("LINTEL_BIND", "127.0.0.1:8000")
# A kiosk's request waits for its decision, so threads are many; they share few database connections.
worker_class = "gthread"
workers = 2
threads = 24
# Longer than the proxy keeps a connection, so that it is never the one found closed.
keepalive = 30
# Longer than the longest deadline of a door (10 s): every waiting kiosk still gets its answer.
graceful_timeout = 15
timeout = 60
# The heartbeat files; the root of a container is read-only, and a disk may be slow.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108
control_socket_disable = True
# As all other processes: one JSON object a line on standard error.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger"},
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"gunicorn.error": {"handlers": [], "level": "INFO", "propagate": True}},
}
