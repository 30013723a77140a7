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
