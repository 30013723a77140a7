"""A virtual terminal: speaks ADMS as the boxes on people's walls do, with their habits and lapses."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.test import Client


def tap(pin: str, wall: str, status: int = 255, verify: int = 15) -> str:
    """A line of table ATTLOG; the columns behind the fourth are the firmware's own."""
    return f"{pin}\t{wall}\t{status}\t{verify}\t0\t0\t0"


@dataclass
class VirtualTerminal:
    """`log` is what happened at it; what it was not acknowledged it sends again."""

    serial: str = "VT0001"
    client: Client = field(default_factory=Client)
    log: list[str] = field(default_factory=list)
    address: str = "127.0.0.1"

    def get(self, page: str, **query: str) -> HttpResponse:
        return self.client.get(f"/iclock/{page}", {"SN": self.serial} | query, REMOTE_ADDR=self.address)

    def post(self, page: str, body: str, **query: str) -> HttpResponse:
        asked = "&".join(f"{key}={value}" for key, value in ({"SN": self.serial} | query).items())
        return self.client.post(
            f"/iclock/{page}?{asked}", body, content_type="text/plain", REMOTE_ADDR=self.address
        )

    def shake_hands(self) -> str:
        return self.get("cdata", options="all", pushver="2.4.1").content.decode()

    def push(self, lines: Sequence[str], table: str = "ATTLOG", stamp: str = "9999") -> HttpResponse:
        body = "".join(f"{line}\n" for line in lines)
        return self.post("cdata", body, table=table, Stamp=stamp)

    def push_all(self, chance: random.Random) -> None:
        """The whole log in some order and batches of some size, some sent again, all of it after a reset."""
        left = list(self.log)
        chance.shuffle(left)
        while left:
            batch = [left.pop() for _ in range(min(len(left), chance.randint(1, 7)))]
            for _ in range(chance.choice((1, 1, 2, 3))):
                assert self.push(batch).content == f"OK: {len(batch)}\n".encode()
        if chance.random() < 0.5:
            self.push(self.log, stamp="0")  # it lost its stamp and tells everything again
