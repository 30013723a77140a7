"""The data folder: where everything that must survive a restart lives, and who may look at it.

From the folder alone anybody entitled finds the running embedded servers; nothing is started here.
Promise: nobody but the owner (and, under root, Postgres' own account for its own part) gets in,
and a key once written is never replaced or printed. Standard library only: settings import this.
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import quote

# sun_path is 108 bytes on Linux and 104 on macOS, the last one a zero.
SOCKET_PATH_BYTES = 103
POSTGRES_SOCKET = ".s.PGSQL.5432"
# What other commands may have put into the folder before `up` ran for the first time.
EXPECTED = {"keys", "logs", "models", "postgres", "run", "static", "valkey"}


class FolderError(Exception):
    """The data folder cannot be used; the text says what to do."""


class AlreadyRunningError(FolderError):
    """Another `up` holds this folder."""


@dataclass(frozen=True)
class Account:
    """The account that runs Postgres when we are root: Postgres refuses root."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """None for an ordinary user, who runs everything himself."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise FolderError(
            "Postgres does not run as root and there is no account 'nobody': add one."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def reachable(path: Path, account: Account) -> bool:
    """Whether the account can get to the path through its parents and read it, by the permission bits.

    Parts that do not exist yet are not held against it. Access lists beyond the bits are not read:
    a wrong yes shows up as Postgres' own complaint in its log.
    """
    for part in (path, *path.parents):
        try:
            found = part.stat()
        except FileNotFoundError:
            continue
        wanted = 0o1
        if stat.S_ISREG(found.st_mode):
            wanted = 0o5 if found.st_mode & 0o100 else 0o4
        shift = 6 if found.st_uid == account.uid else 3 if found.st_gid == account.gid else 0
        if found.st_mode >> shift & wanted != wanted:
            return False
    return True


@dataclass(frozen=True)
class DataFolder:
    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path).expanduser().resolve())

    @classmethod
    def default(cls) -> "DataFolder":
        """`LINTEL_DATA`, else `var` beside the packages."""
        return cls(Path(os.environ.get("LINTEL_DATA") or Path(__file__).resolve().parents[1] / "var"))

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def valkey(self) -> Path:
        return self.path / "valkey"

    @property
    def postgres(self) -> Path:
        """May be a link to a place that Postgres' account can reach; the real place is returned."""
        return (self.path / "postgres").resolve()

    @property
    def secret_key_file(self) -> Path:
        return self.path / "keys" / "secret_key"

    @property
    def master_keys_file(self) -> Path:
        return self.path / "keys" / "master_keys"

    # --- Addresses -------------------------------------------------------------------------------

    @property
    def sockets(self) -> Path:
        """Inside the folder, unless the path is too long for a socket or closed to Postgres' account."""
        account = server_account()
        longest = os.fsencode(self.run / "postgres" / f"{POSTGRES_SOCKET}.lock")
        if len(longest) <= SOCKET_PATH_BYTES and (account is None or reachable(self.path.parent, account)):
            return self.run
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        # Not TMPDIR: it differs between two terminals, and both must find the same place.
        return Path("/tmp") / f"lintel-{os.geteuid()}-{digest}"  # noqa: S108 - private, owner checked in make()

    @property
    def postgres_socket_folder(self) -> Path:
        return self.sockets / "postgres"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    def database_url(self, *, user: str = "lintel", name: str = "lintel") -> str:
        return f"postgresql://{user}@/{name}?host={quote(str(self.postgres_socket_folder), safe='/')}"

    def redis_url(self, db: int = 0) -> str:
        return f"unix://{quote(str(self.valkey_socket), safe='/')}?db={db}"

    # --- Making it -------------------------------------------------------------------------------

    def make(self) -> None:
        """Create what is missing and close what is open. Raises FolderError for a folder that is not ours."""
        account = server_account()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            strangers = {entry.name for entry in self.path.iterdir()} - EXPECTED
            if strangers and not self.secret_key_file.parent.is_dir():
                raise FolderError(
                    f"{self.path} holds other things ({', '.join(sorted(strangers)[:3])}): "
                    "choose an empty folder with LINTEL_DATA."
                )
            _close(self.path, passage=account)
            for closed in (self.logs, self.valkey, self.secret_key_file.parent):
                closed.mkdir(exist_ok=True)
                _close(closed)
            self._make_cluster_place(account)
            for passage in {self.run, self.sockets}:
                passage.mkdir(mode=0o700, exist_ok=True)
                _close(passage, passage=account)
            self.postgres_socket_folder.mkdir(mode=0o700, exist_ok=True)
            _close(self.postgres_socket_folder, owner=account)
        except PermissionError as error:
            raise FolderError(
                f"{error.filename} is closed to this user: choose a folder with LINTEL_DATA."
            ) from None
        except (FileExistsError, NotADirectoryError) as error:
            raise FolderError(
                f"{error.filename} is a file where a folder is needed: set LINTEL_DATA."
            ) from None

    def _make_cluster_place(self, account: Account | None) -> None:
        """Postgres' part, outside the folder where the folder's parents shut Postgres' account out."""
        place = self.path / "postgres"
        if account and not place.is_symlink() and not reachable(self.path.parent, account):
            if place.exists() and any(place.iterdir()):
                raise FolderError(
                    f"{place} holds a database, but '{account.name}', which runs Postgres for root, cannot "
                    "get there any more: open the folders above it (chmod o+x), or move the data folder."
                )
            if place.exists():
                place.rmdir()
            outside = Path("/var/lib/lintel")
            outside.mkdir(mode=0o711, parents=True, exist_ok=True)
            # A new name each time: a second folder at this path one day must not inherit this database.
            place.symlink_to(tempfile.mkdtemp(prefix="postgres-", dir=outside))
        place.mkdir(exist_ok=True)
        _close(place.resolve(), owner=account)

    # --- Keys ------------------------------------------------------------------------------------

    def ensure_keys(self) -> None:
        """Make the folder, and each key that neither a file nor the environment holds yet."""
        self.make()
        if not self.secret_key_file.exists() and not in_environment("LINTEL_SECRET_KEY"):
            _write_once(self.secret_key_file, secrets.token_urlsafe(50))
        if self.master_keys_file.exists() or in_environment("LINTEL_MASTER_KEYS"):
            return
        if (self.postgres / "data").exists():
            raise FolderError(
                f"{self.master_keys_file} is missing, but there is a database sealed with it: put the file "
                "back from the backup (or set LINTEL_MASTER_KEYS). A new key would open no photograph."
            )
        _write_once(self.master_keys_file, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii"))

    # --- One at a time ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def lock(self, address: str) -> Iterator[None]:
        """Hold the folder for life. The kernel lets go when we die, however we die."""
        with (self.run / "up.lock").open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunningError(f"it is already running on {self.path}: {_holder(file)}.") from None
            file.truncate(0)
            since = datetime.now(UTC).isoformat(timespec="seconds")
            json.dump({"pid": os.getpid(), "address": address, "since": since}, file)
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)


def _holder(file: IO[str]) -> str:
    file.seek(0)
    try:
        held = json.load(file)
        return f"process {held['pid']}, since {held['since']}, at {held['address']}"
    except (ValueError, KeyError, TypeError):
        return "it is just starting or stopping"


def _close(path: Path, *, owner: Account | None = None, passage: Account | None = None) -> None:
    """0700 for its owner. `passage` may walk through, by its group, but neither list nor read."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) or found.st_uid not in {
        os.geteuid(),
        owner.uid if owner else os.geteuid(),
    }:
        whose = pwd.getpwuid(found.st_uid).pw_name if found.st_uid in _known_users() else str(found.st_uid)
        raise FolderError(
            f"{path} belongs to {whose}: run this as {whose}, or choose another folder with LINTEL_DATA."
        )
    if owner:
        os.chown(path, owner.uid, owner.gid)
    elif passage:
        os.chown(path, os.geteuid(), passage.gid)
    path.chmod(0o710 if passage else 0o700)


def _known_users() -> set[int]:
    return {entry.pw_uid for entry in pwd.getpwall()}


def in_environment(name: str) -> bool:
    """Whether the environment gives the value itself, or the file to read it from, as settings accept it."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _write_once(path: Path, content: str) -> None:
    """The whole content on disk under its name, or no file at all; an existing file is never replaced."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(content + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
