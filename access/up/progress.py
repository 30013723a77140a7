"""One line for each step of the start, with its time: coloured for people, plain for logs."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator

WIDTH = 24


@contextlib.contextmanager
def step(name: str, *, width: int = WIDTH) -> Iterator[list[str]]:
    """Print the step when it is over. What the block appends to the list is shown behind it."""
    notes: list[str] = []
    start = time.monotonic()
    if sys.stdout.isatty():
        print(f"  ..  {name}", end="\r", flush=True)
    try:
        yield notes
    except BaseException:
        print(f"  {mark(False)}  {name:<{width}}", flush=True)
        raise
    seconds = time.monotonic() - start
    print(f"  {mark(True)}  {name:<{width}} {seconds:5.1f} s  {', '.join(notes)}".rstrip(), flush=True)


def mark(right: bool) -> str:
    return _colour("ok", 32) if right else _colour("no", 31)


def _colour(text: str, code: int) -> str:
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    return text if plain else f"\033[{code}m{text}\033[0m"
