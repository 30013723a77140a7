"""Loads on a running system (`manage.py up`): `python -m tests.load storm` and `… identify`.

Not tests: they take minutes and say how fast and how well. Each prints one JSON object at the end and
exits 1 if a promise was broken (a snapshot without exactly one decision, a doubled punch, a wrong grant
counted as right). Give LINTEL_DATA (or DATABASE_URL) of the running system.
"""

import argparse
import io
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "access.settings")
django.setup()

from django.core.management import call_command
from django.db import connection
from PIL import Image

from access import places
from access.models import (
    ConsentText,
    Decision,
    Door,
    Gallery,
    Kiosk,
    Person,
    Punch,
    Site,
    Snapshot,
    SnapshotPicture,
)
from access.up import demo
from access.up.demo import scenes
from tests.load import exports, kiosk_page, kiosks, month, offline, trail


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    commands = parser.add_subparsers(
        required=True, metavar="storm | identify | audit | month | export | offline | kiosk_page"
    )
    storm = commands.add_parser(
        "storm", help="many kiosks at once, repeated posts, the broker killed in the middle"
    )
    storm.add_argument("--kiosks", type=int, default=20)
    storm.add_argument("--snapshots", type=int, default=1000)
    storm.add_argument(
        "--repeat-share", type=float, default=0.2, help="share of snapshots that are posted again"
    )
    storm.add_argument(
        "--kill-broker", type=int, metavar="PID", help="kill -9 this broker at a third of the way"
    )
    storm.add_argument("--seed", type=int, default=0)
    storm.set_defaults(run=run_storm)
    identify = commands.add_parser(
        "identify", help="enrol people of a folder, post others' and their photographs"
    )
    identify.add_argument(
        "--images", type=Path, required=True, help="one subfolder per person, e.g. lfw-dev unpacked"
    )
    identify.add_argument(
        "--people", type=int, default=300, help="enrolled with one photograph, posted with another"
    )
    identify.add_argument("--strangers", type=int, default=300)
    identify.add_argument("--kiosks", type=int, default=4)
    identify.add_argument("--seed", type=int, default=0)
    identify.set_defaults(run=run_identify)
    audit = commands.add_parser("audit", help="many threads writing audit entries, sealed and checked")
    audit.add_argument("--threads", type=int, default=128)
    audit.add_argument("--entries", type=int, default=100, help="of each thread")
    audit.add_argument("--sealers", type=int, default=4)
    audit.set_defaults(run=run_audit)
    month_of = commands.add_parser("month", help="a month of working days for many people, rolled back")
    month_of.add_argument("--people", type=int, default=1000)
    month_of.add_argument("--seed", type=int, default=0)
    month_of.set_defaults(run=run_month)
    export = commands.add_parser("export", help="many punches as CSV and XLSX, rolled back")
    export.add_argument("--rows", type=int, default=1_000_000)
    export.add_argument("--files", nargs="+", choices=["csv", "xlsx"], default=["csv", "xlsx"])
    export.set_defaults(run=run_export)
    alone = commands.add_parser(
        "offline",
        help="a kiosk that was alone tells its events: in order, then shuffled and repeated",
    )
    alone.add_argument("--events", type=int, default=5000)
    alone.add_argument("--replays", type=int, default=5)
    alone.add_argument("--seed", type=int, default=0)
    alone.set_defaults(run=run_offline)
    page = commands.add_parser(
        "kiosk_page", help="a face comes into view in Chromium, again and again: the time to its result"
    )
    page.add_argument("--passes", type=int, default=30)
    page.add_argument("--without-eyes", action="store_true", help="the server finds the face")
    page.set_defaults(run=run_kiosk_page)
    options = parser.parse_args()
    return int(options.run(options))


def make_kiosks(site: Site, door: Door, number: int, *, faces: str = Kiosk.Faces.ONE) -> list[str]:
    """Keys of fresh kiosks at this door; what they did stays in the database."""
    stamp = time.strftime("%H%M%S")
    names = [f"{site.name} {stamp} {index}" for index in range(number)]
    made = [Kiosk.objects.create(door=door, name=name, faces=faces) for name in names]
    return [places.issue_key(kiosk, by="load") for kiosk in made]


def run_audit(options: argparse.Namespace) -> int:
    """128 threads share the connections of the pool: set LINTEL_DATABASE_POOL=64."""
    result = trail.storm(options)
    print(json.dumps(result))
    return 0 if result["ok"] else 1


def run_storm(options: argparse.Namespace) -> int:
    door = Door.objects.get(site__name=demo.SITE, name="Front door")
    keys = make_kiosks(door.site, door, options.kiosks)
    choices = [
        ("known", scenes.passage("in")),
        ("known", scenes.passage("out")),
        ("empty", scenes.empty_room()),
    ]
    shuffled = random.Random(options.seed)
    pictures = [_marked(*shuffled.choice(choices), number) for number in range(options.snapshots)]
    before = {table: table.objects.count() for table in (Snapshot, Decision, Punch)}
    if options.kill_broker:
        threading.Thread(target=_kill_midway, args=(options, before[Decision]), daemon=True).start()
    begin = time.perf_counter()
    answers = kiosks.play(
        options.address, keys, pictures, seed=options.seed, repeat_share=options.repeat_share
    )
    seconds = time.perf_counter() - begin
    made = {table.__name__: table.objects.count() - was for table, was in before.items()}
    granted = sum(bool(one.body["granted"]) for one in answers)
    result = kiosks.summary(answers) | {
        "rows": made,
        "granted": granted,
        "undecided": SnapshotPicture.objects.count(),
        "seconds": round(seconds, 1),
        "snapshots_a_second": round(len(answers) / seconds, 1),
    }
    print(json.dumps(result))
    right = (
        made == {"Snapshot": options.snapshots, "Decision": options.snapshots, "Punch": granted}
        and not result["undecided"]
        and not result["contradictions"]
    )
    return 0 if right else 1


def _marked(label: str, picture: bytes, number: int) -> tuple[str, bytes]:
    """Each snapshot is a different file, as it would be from a camera: a pixel in the corner differs."""
    with Image.open(io.BytesIO(picture)) as opened:
        opened.putpixel((number % opened.width, 0), (number % 256, number // 256 % 256, 0))
        buffer = io.BytesIO()
        opened.save(buffer, "JPEG", quality=90)
    return label, buffer.getvalue()


def _kill_midway(options: argparse.Namespace, before: int) -> None:
    while Decision.objects.count() - before < options.snapshots / 3:
        time.sleep(0.05)
    os.kill(options.kill_broker, signal.SIGKILL)
    print("broker killed", file=sys.stderr, flush=True)
    connection.close()


def run_identify(options: argparse.Namespace) -> int:
    shuffled = random.Random(options.seed)
    folders = sorted(path for path in options.images.iterdir() if path.is_dir())
    several = [folder for folder in folders if len(list(folder.glob("*.jpg"))) >= 2]
    enrolled = sorted(shuffled.sample(several, options.people))
    chosen = set(enrolled)
    strangers = shuffled.sample([folder for folder in folders if folder not in chosen], options.strangers)
    pictures = [(folder.name, sorted(folder.glob("*.jpg"))[1].read_bytes()) for folder in enrolled]
    pictures += [("stranger", sorted(folder.glob("*.jpg"))[0].read_bytes()) for folder in strangers]
    shuffled.shuffle(pictures)

    site, _ = Site.objects.get_or_create(name="Load site")
    gallery, _ = Gallery.objects.get_or_create(name="Load gallery")
    gallery.sites.add(site)
    door, _ = Door.objects.get_or_create(site=site, name="Load door")
    door.admits.add(gallery)
    text, _ = ConsentText.objects.get_or_create(version="load", defaults={"body": "For a measurement."})
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        for folder in enrolled:
            place = Path(temporary) / folder.name
            place.mkdir()
            (place / "1.jpg").symlink_to(sorted(folder.glob("*.jpg"))[0].resolve())
        try:
            call_command("enrol", temporary, gallery=[gallery.name], consent=text.version)
        except SystemExit:
            print("some photographs were refused; the list is above", file=sys.stderr)
    enrolment_seconds = time.perf_counter() - begin

    usable = Person.objects.filter(galleries=gallery, faceprints__active=True).distinct()
    names = {str(badge) for badge in usable.values_list("badge", flat=True)}
    begin = time.perf_counter()
    # Press photographs have bystanders; the nearest face is the one that the photograph is of.
    keys = make_kiosks(site, door, options.kiosks, faces=Kiosk.Faces.LARGEST)
    answers = kiosks.play(options.address, keys, pictures, seed=options.seed)
    seconds = time.perf_counter() - begin
    known = [one for one in answers if one.label != "stranger"]
    unknown = [one for one in answers if one.label == "stranger"]
    right = sum(_badge(one) == one.label for one in known)
    wrong = [f"{one.label} as {_badge(one)}" for one in answers if _badge(one) not in (None, one.label)]
    for one in known:
        one.label = "enrolled" if one.label in names else "enrolment refused"
    print(
        json.dumps(
            kiosks.summary(answers)
            | {
                "enrolled": len(names),
                "enrolment_seconds": round(enrolment_seconds, 1),
                "posted_known": len(known),
                "posted_strangers": len(unknown),
                "right_grants": right,
                "wrong_grants": len(wrong),
                "wrong": wrong,
                "snapshots_a_second": round(len(answers) / seconds, 1),
            }
        )
    )
    return 0


def _badge(answered: kiosks.Answered) -> str | None:
    person = answered.body["person"]
    return str(person["badge"]) if isinstance(person, dict) else None


def run_month(options: argparse.Namespace) -> int:
    """A month for these many people; 1 if working it out again changed anything."""
    found = month.run(options.people, options.seed)
    print(json.dumps(found, indent=2))
    return int(found["days_changed_again"] > 0)


def run_offline(options: argparse.Namespace) -> int:
    """1 if the state was another one after shuffling and repeating."""
    found = offline.run(options.events, options.replays, options.seed)
    print(json.dumps(found, indent=2))
    return 0 if found["equal"] else 1


def run_kiosk_page(options: argparse.Namespace) -> int:
    """1 if a pass was missed or somebody else was named."""
    found = kiosk_page.run(options.address, options.passes, eyes=not options.without_eyes)
    print(json.dumps(found, indent=2))
    return 0 if found["passes"] == options.passes and not found["wrong"] else 1


def run_export(options: argparse.Namespace) -> int:
    print(json.dumps(exports.run(options.rows, options.files), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
