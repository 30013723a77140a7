"""What waits to be sent, on disk: SQLite, one row a picture, sealed with a key made from the kiosk's key.

Promise: a picture put in is there after a power cut; it leaves when the server has answered, and nobody who
takes the disk without the key sees a face.
"""

import os
import sqlite3
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12
_TABLES = """
    CREATE TABLE IF NOT EXISTS waiting (
        nonce TEXT PRIMARY KEY, taken TEXT NOT NULL, kind TEXT NOT NULL, direction TEXT NOT NULL,
        sealed BLOB NOT NULL, tries INTEGER NOT NULL DEFAULT 0, put INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, n INTEGER NOT NULL);
"""


class Full(Exception):
    """There is no room for another picture; those that wait come first."""


@dataclass(frozen=True)
class Waiting:
    """A picture to send. `nonce` stays the same for every try, so the server counts it once."""

    nonce: uuid.UUID
    taken: datetime
    kind: str
    direction: str
    image: bytes
    tries: int


class Spool:
    """One file; used by one process."""

    def __init__(self, path: Path, key: str, *, most_bytes: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._most = most_bytes
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"lintel edge spool").derive(key.encode())
        self._cipher = AESGCM(derived)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        path.chmod(0o600)
        # FULL: a commit is on the disk before it returns, which is what a power cut asks for.
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;")
        self._db.executescript(_TABLES)

    def put(self, image: bytes, *, kind: str, taken: datetime, direction: str) -> uuid.UUID:
        """Keep a picture until it is answered. Raises Full."""
        if self.size() + len(image) > self._most:
            self.count("turned_away")
            raise Full
        nonce = uuid.uuid4()
        seal_nonce = os.urandom(NONCE_BYTES)
        sealed = seal_nonce + self._cipher.encrypt(seal_nonce, image, str(nonce).encode())
        self._db.execute(
            "INSERT INTO waiting (nonce, taken, kind, direction, sealed, put) VALUES (?, ?, ?, ?, ?, ?)",
            (str(nonce), taken.isoformat(), kind, direction, sealed, time.time_ns()),
        )
        self.count("taken")
        return nonce

    def next(self) -> Waiting | None:
        """The newest picture first: whoever stands there now should not wait for an outage's leftovers."""
        row = self._db.execute(
            "SELECT nonce, taken, kind, direction, sealed, tries FROM waiting"
            " ORDER BY tries, put DESC, rowid DESC LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        nonce, taken, kind, direction, sealed, tries = row
        try:
            image = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], nonce.encode())
        except InvalidTag:
            # Sealed with an older key, or torn: it can never be sent, and must not stand in the way.
            self.done(uuid.UUID(nonce), "unreadable")
            return self.next()
        return Waiting(uuid.UUID(nonce), datetime.fromisoformat(taken), kind, direction, image, tries)

    def tried(self, nonce: uuid.UUID) -> None:
        self._db.execute("UPDATE waiting SET tries = tries + 1 WHERE nonce = ?", (str(nonce),))

    def done(self, nonce: uuid.UUID, how: str) -> None:
        """Answered, or never to be: the picture goes, and its end is counted, in one transaction."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("DELETE FROM waiting WHERE nonce = ?", (str(nonce),))
        self.count(how)
        self._db.execute("COMMIT")

    def count(self, name: str) -> None:
        self._db.execute(
            "INSERT INTO counts VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1", (name,)
        )

    def counts(self) -> dict[str, int]:
        """How many pictures were taken, granted, refused, … since the spool was made."""
        return dict(self._db.execute("SELECT name, n FROM counts ORDER BY name").fetchall())

    def waiting(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM waiting").fetchone()[0])

    def size(self) -> int:
        return int(self._db.execute("SELECT coalesce(sum(length(sealed)), 0) FROM waiting").fetchone()[0])

    def close(self) -> None:
        self._db.close()
