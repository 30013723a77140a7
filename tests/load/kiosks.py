"""Virtual kiosks: post pictures to the real API from many threads, keep what was answered and how fast."""

import json
import random
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from access.up.devices import multipart

PATIENCE_SECONDS = 60


@dataclass
class Answered:
    """One snapshot's fate: the label it was sent with, the last answer, the seconds the first try took."""

    label: str
    nonce: str
    body: dict[str, object]
    seconds: float
    posts: int = 1
    contradictions: int = 0


@dataclass
class Kiosk:
    address: str
    key: str
    random: random.Random
    answers: list[Answered] = field(default_factory=list)

    def send(self, label: str, picture: bytes, *, repeats: int = 0) -> Answered:
        """Post until answered, as a kiosk does; then `repeats` times more, which must change nothing."""
        nonce, taken = str(uuid.uuid4()), datetime.now(UTC).isoformat()
        begin = time.perf_counter()
        body = self._until_answered(picture, nonce, taken)
        answered = Answered(label, nonce, body, time.perf_counter() - begin)
        for _again in range(repeats):
            answered.posts += 1
            answered.contradictions += self._until_answered(picture, nonce, taken) != body
        self.answers.append(answered)
        return answered

    def _until_answered(self, picture: bytes, nonce: str, taken: str) -> dict[str, object]:
        give_up = time.monotonic() + PATIENCE_SECONDS
        for attempt in count():
            try:
                return self._post(picture, nonce, taken)
            except (OSError, urllib.error.URLError) as error:
                if time.monotonic() > give_up:
                    raise
                time.sleep(min(0.05 * 2**attempt, 1.0) * self.random.uniform(0.5, 1.5))
                del error
        raise AssertionError("unreachable")

    def _post(self, picture: bytes, nonce: str, taken: str) -> dict[str, object]:
        boundary = uuid.uuid4().hex
        fields = {"kind": "snapshot", "taken": taken, "nonce": nonce}
        request = urllib.request.Request(
            f"{self.address}/api/v1/snapshots/",
            data=multipart(picture, fields, boundary),
            headers={
                "Authorization": f"Kiosk {self.key}",
                "Content-Type": f"multipart/form-data; boundary={boundary}",
            },
        )
        with urllib.request.urlopen(request, timeout=15) as response:
            return dict(json.load(response))


def play(
    address: str,
    keys: Sequence[str],
    pictures: Sequence[tuple[str, bytes]],
    *,
    seed: int = 0,
    repeat_share: float = 0.0,
) -> list[Answered]:
    """Share the pictures among one thread per kiosk; some posts are repeated at random. All answers."""
    kiosks = [Kiosk(address, key, random.Random(seed + number)) for number, key in enumerate(keys)]
    position, lock = count(), threading.Lock()

    def work(kiosk: Kiosk) -> None:
        while True:
            with lock:
                index = next(position)
            if index >= len(pictures):
                return
            repeats = kiosk.random.randint(1, 2) if kiosk.random.random() < repeat_share else 0
            kiosk.send(*pictures[index], repeats=repeats)

    with ThreadPoolExecutor(len(kiosks)) as pool:
        list(pool.map(work, kiosks))
    return [answered for kiosk in kiosks for answered in kiosk.answers]


def summary(answers: Sequence[Answered]) -> dict[str, object]:
    """Counts by label and reason, and the quantiles of the first answers in milliseconds."""
    reasons: dict[str, Counter[str]] = {}
    for one in answers:
        reasons.setdefault(one.label, Counter())[str(one.body["reason"])] += 1
    times = sorted(one.seconds * 1000 for one in answers)
    return {
        "snapshots": len(answers),
        "posts": sum(one.posts for one in answers),
        "contradictions": sum(one.contradictions for one in answers),
        "reasons": {label: dict(found.most_common()) for label, found in reasons.items()},
        "milliseconds": {
            f"p{share}": round(times[min(len(times) - 1, int(len(times) * share / 100))], 1)
            for share in (50, 95, 99)
        },
    }
