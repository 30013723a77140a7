"""The API does what its schema says, whatever is sent to it."""

import base64
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core import NotSet
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from access import attendance, decisions, policy, snapshots
from access.doors import alarms
from access.doors.alarms import Kind
from access.doors.passback import Zone
from access.kiosk import pairing
from access.models import Decision, Staff
from access.wsgi import application
from tests import factories
from tests.factories import ALICE, Cast
from tests.kiosk import tablet

BOUNDED = settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
# Not among them: that whatever fits the schema is accepted. Bytes that are no picture fit it too.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


OPERATIONS = [
    "GET /api/v1/kiosk/",
    "POST /api/v1/kiosk/pair/",
    "POST /api/v1/kiosk/report/",
    "POST /api/v1/kiosk/unlock/",
    "GET /api/v1/kiosk/bundle/",
    "POST /api/v1/kiosk/events/",
    "POST /api/v1/decisions/{decision}/not-me/",
    "POST /api/v1/decisions/{decision}/remark/",
    "POST /api/v1/answers/",
    "POST /api/v1/challenges/",
    "POST /api/v1/snapshots/",
    "POST /api/v1/passes/",
    "GET /api/v1/punches/",
    "GET /api/v1/reports/",
    "GET /api/v1/reports/{report}/",
    "GET /api/v1/reports/{report}/file/",
    "POST /api/v1/door-events/",
    "GET /api/v1/alarms/",
    "POST /api/v1/alarms/{alarm}/acknowledge/",
    "GET /api/v1/people/",
    "GET /api/v1/people/{person}/",
    "GET /api/v1/sites/",
    "POST /api/v1/sites/{site}/lock-down/",
    "POST /api/v1/sites/{site}/lift/",
    "GET /api/v1/doors/",
    "GET /api/v1/doors/{door}/",
    "POST /api/v1/doors/{door}/mode/",
    "GET /api/v1/zones/",
    "GET /api/v1/zones/{zone}/people/",
    "GET /api/v1/access-levels/",
    "GET /api/v1/decisions/",
    "GET /api/v1/decisions/{decision}/",
    "POST /api/v1/simulations/",
]
# Asked by kiosks with their key; all others by members of staff, with the session of the admin.
BY_KIOSKS = (
    "/kiosk/",
    "/challenges/",
    "/not-me/",
    "/remark/",
    "/answers/",
    "/snapshots/",
    "/passes/",
    "/door-events/",
)
# Asked by paired kiosks alone, each request signed.
SIGNED = ("/kiosk/bundle/", "/kiosk/events/")
# What chance does not draw: the body that makes each answer well, and the parts of its address.
SENSIBLE: dict[str, Callable[[Cast], dict[str, Any]]] = {
    "POST /api/v1/kiosk/pair/": lambda cast: {
        name: base64.b64encode(tablet.spki(tablet.fresh())).decode() for name in ("signing", "agreement")
    },
    "POST /api/v1/kiosk/report/": lambda cast: {"version": "1", "queued": 0, "clock_offset_ms": 0},
    "POST /api/v1/kiosk/unlock/": lambda cast: {"pin": "123456"},
    "POST /api/v1/kiosk/events/": lambda cast: {
        "boot": str(uuid.uuid4()),
        "wall": 1_772_438_100_000,
        "ticks": 60_000,
        "left": 0,
        "events": [tablet.Alone(tablet.Tablet(Client())).event(person=cast.alice.pk), {"id": "?"}],
    },
    "POST /api/v1/decisions/{decision}/remark/": lambda cast: {"why": "business"},
    "POST /api/v1/door-events/": lambda cast: {
        "id": str(uuid.uuid4()),
        "state": "closed",
        "taken": timezone.now().isoformat(),
    },
    "POST /api/v1/alarms/{alarm}/acknowledge/": lambda cast: {"note": "Seen."},
    "POST /api/v1/answers/": lambda cast: {
        "decision": str(Decision.objects.latest("at").pk),
        "left": (timezone.now() - timedelta(hours=15)).isoformat(),
    },
    "POST /api/v1/snapshots/": lambda cast: {
        "image": factories.picture(),
        "taken": timezone.now().isoformat(),
        "frames": [factories.picture()] * 3,
        "frame_times": [0, 400, 800],
    },
    "POST /api/v1/challenges/": lambda cast: {"nonce": str(uuid.uuid4())},
    "POST /api/v1/sites/{site}/lock-down/": lambda cast: {"why": "A drill."},
    "POST /api/v1/doors/{door}/mode/": lambda cast: {"mode": "normal", "why": "A drill.", "until": soon()},
    "POST /api/v1/simulations/": lambda cast: {
        "person": cast.alice.pk,
        "door": cast.front.pk,
        "at": soon(),
        "shown": ["face"],
    },
    "POST /api/v1/passes/": lambda cast: {"taken": timezone.now().isoformat(), "card": "04A1B2C3"},
}


def soon() -> str:
    return (timezone.now() + timedelta(hours=1)).isoformat()


def granted(cast: Cast) -> Any:
    """The key of a decision that the kiosk shows at this moment, about somebody who forgot to punch out."""
    yesterday = timezone.now() - timedelta(days=1)
    attendance.note_late(cast.alice, at=yesterday, origin="yesterday", direction="in", clock_ahead=None)
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    return decisions.settle(snapshot.pk, policy.Evidence(person=cast.alice.pk)).pk


def test_the_schema_is_valid_and_complete() -> None:
    out = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    assert out.getvalue().startswith("openapi: 3.")


def operations() -> dict[str, Any]:
    raw = SchemaGenerator().get_schema(request=None, public=True)
    schema = schemathesis.openapi.from_dict(raw)
    schema.app = application
    return {result.ok().label: result.ok() for result in schema.get_all_operations()}


@pytest.fixture(scope="module")
def declared() -> dict[str, Any]:
    return operations()


def test_these_are_all_the_operations_there_are(declared: dict[str, Any]) -> None:
    assert set(declared) == set(OPERATIONS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=["as declared", "not as declared"])
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_a_declared_one(
    declared: dict[str, Any],
    cast: Cast,
    client: Client,
    run_queue: list[Any],
    camera_sees: Callable[..., Any],
    label: str,
    mode: GenerationMode,
) -> None:
    camera_sees(ALICE)
    client.force_login(Staff.objects.create_superuser("ada"))
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    decision = granted(cast)
    if "challenges" in label:
        type(cast.front).objects.update(liveness="colour")
    hall = Zone.objects.create(site=cast.site, name="Hall")
    token = "c" * 32
    paired = tablet.paired(Client(), cast.kiosk) if label.endswith(SIGNED) else None
    seen: set[int] = set()

    @BOUNDED
    @given(declared[label].as_strategy(generation_mode=mode), st.booleans())
    def answer(case: Any, sensible: bool) -> None:
        # Chance alone draws neither a picture nor a sensible period.
        if isinstance(case.body, dict) and sensible and label in SENSIBLE:
            case.body |= SENSIBLE[label](cast)
        if "decision" in (case.path_parameters or {}) and sensible:
            case.path_parameters["decision"] = str(decision)
        if "alarm" in (case.path_parameters or {}) and sensible:
            case.path_parameters["alarm"] = alarms.raise_alarm(Kind.HELD, cast.front).pk
        if sensible:
            known = {"person": cast.alice.pk, "site": cast.site.pk, "door": cast.front.pk, "zone": hall.pk}
            case.path_parameters |= {key: known[key] for key in known if key in (case.path_parameters or {})}
        if "punches" in label and sensible:
            case.query |= {"first": "2026-03-01", "last": "2026-03-02"}
        if paired is not None:
            body = b"" if isinstance(case.body, NotSet) else case.body
            if not isinstance(body, bytes):
                body = case.body = json.dumps(body).encode()  # as it is signed, so it is sent
            method, _space, path = label.partition(" ")
            case.headers["Authorization"] = paired.header(method, path, body)
        elif "pair" in label:
            case.headers["Authorization"] = f"Pairing {pairing.offer(cast.kiosk)[0]}"
        elif any(word in label for word in BY_KIOSKS):
            case.headers["Authorization"] = f"Kiosk {cast.key}"
        else:
            case.cookies.update(cookies | {"csrftoken": token})
            case.headers["X-CSRFToken"] = token
        response = case.call_and_validate(checks=CHECKS)
        seen.add(response.status_code)

    answer()
    assert {200, 201} & seen or mode is GenerationMode.NEGATIVE
