"""Exit 0 if a worker of this machine signed in within the last 30 s: the health check of a container.

Asks the table that `/readyz` reads, without loading the program: it runs every few seconds.
"""

import os
import socket
import sys
from pathlib import Path

import psycopg

ASK = "SELECT 1 FROM access_worker WHERE starts_with(name, %s) AND seen > now() - interval '30 seconds'"


def main() -> int:
    file = os.environ.get("DATABASE_URL_FILE")
    url = Path(file).read_text(encoding="utf-8").strip() if file else os.environ["DATABASE_URL"]
    with psycopg.connect(url, connect_timeout=5) as connection:
        return 0 if connection.execute(ASK, [f"{socket.gethostname()}:"]).fetchone() else 1


if __name__ == "__main__":
    sys.exit(main())
