"""One file of decisions, passed by the server's rule and by the browser's: neither may go its own way."""

import json
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from access.policy import offline
from access.policy.offline import OfflineReason
from tests.vectors import make

VECTORS = Path(make.__file__).with_name("offline.json")
WRITTEN = json.loads(VECTORS.read_text("utf-8"))


@pytest.mark.parametrize("case", WRITTEN["cases"], ids=lambda case: case["name"])
def test_the_servers_rule_passes_each(case: dict[str, Any]) -> None:
    bundle = WRITTEN["bundles"][case["bundle"]]
    assert asdict(offline.decide(bundle, case["attempt"], case["now"])) == case["answer"]


def test_every_reason_and_every_need_is_in_the_file() -> None:
    assert {case["answer"]["reason"] for case in WRITTEN["cases"]} == set(OfflineReason)
    assert {bundle["needs"] for bundle in WRITTEN["bundles"].values()} == set(offline.Needs)


@pytest.mark.parametrize(
    ("factors", "alone", "by_pin"),
    [
        ("face", "any", "pin"),
        ("face_more", "card_and_pin", "card_and_pin"),
        ("face_pin", "card_and_pin", "card_and_pin"),
        ("face_card", "card_and_pin", "card_and_pin"),
        ("card_pin", "card_and_pin", "card_and_pin"),
        ("card", "card", "card_and_pin"),
        ("pin", "pin", "pin"),
        ("retina", "card_and_pin", "card_and_pin"),
    ],
)
def test_what_is_asked_for_where_no_face_can_be_judged(factors: str, alone: str, by_pin: str) -> None:
    assert offline.instead_of(factors, pin_only=False) == alone
    assert offline.instead_of(factors, pin_only=True) == by_pin


@pytest.mark.parametrize(
    ("later", "direction"),
    [
        (-1, "in"),
        (0, "in"),
        (59_999, "in"),
        (60_000, "out"),
        (16 * 3_600_000 - 1, "out"),
        (16 * 3_600_000, "in"),
    ],
)
def test_from_when_on_somebody_inside_is_taken_to_leave(later: int, direction: str) -> None:
    assert offline.next_direction("auto", {"at": 1_000, "direction": "in"}, 1_000 + later) == direction


def test_the_file_is_what_its_maker_writes() -> None:
    assert json.loads(json.dumps(make.BUNDLES)) == WRITTEN["bundles"]
    assert [case["name"] for case in WRITTEN["cases"]] == [case[0] for case in make.CASES]


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node is installed")
def test_the_browsers_rule_passes_each_in_node() -> None:
    command = [
        "node",
        "--no-warnings",
        "--experimental-default-type=module",
        str(VECTORS.with_name("run.mjs")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) == {"passed": len(WRITTEN["cases"]), "wrong": []}, done.stderr
