"""Make the secrets of a new deployment in a folder, one file each, and keep those that are there.

Promise: each file is closed to others, complete or absent, and nothing secret is printed. The folder's
content goes into the safe once, apart from the database's backups: without `master_keys` no photograph
and no faceprint of a backup can be used. Standard library only.
"""

import argparse
import base64
import contextlib
import os
import secrets
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--database", default="postgres:5432", help="HOST:PORT for database_url")
    parser.add_argument("--server-folder", type=Path, help="where the database server reads its passwords")
    rotation = parser.add_mutually_exclusive_group()
    rotation.add_argument("--add-master-key", action="store_true", help="put a fresh one before the others")
    rotation.add_argument(
        "--drop-old-master-keys",
        action="store_true",
        help="keep the first; after `manage.py rotate_master_key`",
    )
    options = parser.parse_args(arguments)
    if options.add_master_key or options.drop_old_master_keys:
        return _rotate(options.folder / "master_keys", add=options.add_master_key)
    options.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = [name for name, content in _contents().items() if _write_once(options.folder / name, content)]
    # From the file, not from what was just drawn: an earlier run may have been cut short between the two.
    password = (options.folder / "database_password").read_text(encoding="ascii").strip()
    address = f"postgresql://lintel:{password}@{options.database}/lintel"
    if _write_once(options.folder / "database_url", address):
        made.append("database_url")
    if options.server_folder:
        # In a container the server runs under another number; only that container mounts this folder.
        for name in ("database_superuser", "database_password", "database_url"):
            content = (options.folder / name).read_text(encoding="ascii").strip()
            _write_once(options.server_folder / name, content, mode=0o444)
    print(f"made: {', '.join(made) or 'nothing, all keys are there'}")  # noqa: T201
    return 0


def _rotate(path: Path, *, add: bool) -> int:
    """The file is replaced as a whole: a reader finds the old list or the new one, never a half."""
    keys = path.read_text(encoding="ascii").replace(",", "\n").split()
    kept = [_master_key(), *keys] if add else keys[:1]
    draft = path.with_name(f".master_keys-{secrets.token_hex(4)}")
    if _write_once(draft, "\n".join(kept)):
        draft.replace(path)
    print(f"master_keys held {len(keys)} and holds {len(kept)} now")  # noqa: T201
    return 0


def _master_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii")


def _contents() -> dict[str, str]:
    return {
        "secret_key": secrets.token_urlsafe(50),
        "master_keys": _master_key(),
        "metrics_token": secrets.token_urlsafe(32),
        "database_superuser": secrets.token_urlsafe(32),
        "database_password": secrets.token_urlsafe(32),
    }


def _write_once(path: Path, content: str, *, mode: int = 0o400) -> bool:
    """True if the file was made; an existing one stays as it is."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(content + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
            return True
        return False
    finally:
        draft.unlink()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
