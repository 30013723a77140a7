"""Many threads writing audit entries at once, while the workers seal and a checker looks for forks."""

import random
import threading
import time
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from typing import Any

from django.db import connection, transaction

from access import audit, chain


def storm(options: Namespace) -> dict[str, Any]:
    """Write, seal, check; how fast, and whether anything was wrong."""
    before, ends = chain.head().number, threading.Event()
    alarms: list[object] = []
    with ThreadPoolExecutor(options.threads + options.sealers + 1) as pool:
        others = [pool.submit(_until, ends, lambda: chain.seal()) for _ in range(options.sealers)]
        others.append(pool.submit(_until, ends, lambda: alarms.extend(chain.verify().findings)))
        began = time.monotonic()
        writers = [pool.submit(_write, seed, options.entries) for seed in range(options.threads)]
        spent = [one for writer in writers for one in writer.result()]
        wrote = time.monotonic() - began
        ends.set()
        for other in others:
            other.result()
    began = time.monotonic()
    chain.seal_all()
    caught_up = time.monotonic() - began
    began = time.monotonic()
    report = chain.verify()
    verified = time.monotonic() - began
    cuts = quantiles(spent, n=100)
    return {
        "threads": options.threads,
        "entries": len(spent),
        "entries_per_second": round(len(spent) / wrote),
        "milliseconds_per_entry": {"p50": round(cuts[49] * 1000, 1), "p95": round(cuts[94] * 1000, 1)},
        "seconds_to_catch_up_sealing": round(caught_up, 2),
        "sealed": report.head.number - before,
        "checked": report.checked,
        "seconds_to_check": round(verified, 2),
        "seconds_to_check_a_million": round(verified / max(report.checked, 1) * 1_000_000, 1),
        "findings_while_writing": len(alarms),
        "findings_afterwards": [finding.as_json() for finding in report.findings],
        "ok": not alarms and not report.findings and report.head.number >= before + len(spent),
    }


def _write(seed: int, entries: int) -> list[float]:
    """Seconds that each committed entry took, the commit included."""
    chance, spent = random.Random(seed), []
    while len(spent) < entries:
        began = time.monotonic()
        try:
            with transaction.atomic():
                audit.record("load.written", f"load:{seed}", by=f"load:{seed}", n=len(spent))
                if chance.random() < 0.05:
                    raise Undone
        except Undone:
            continue
        finally:
            connection.close()
        spent.append(time.monotonic() - began)
    return spent


def _until(ends: threading.Event, action: Any) -> None:
    while not ends.is_set():
        action()
    connection.close()


class Undone(Exception):
    """A transaction that is taken back: its entry must not be there, and must leave no gap."""
