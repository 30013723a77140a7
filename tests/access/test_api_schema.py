"""The API does what its schema says, whatever is sent to it."""

from collections.abc import Callable
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
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from access.models import Staff
from access.wsgi import application
from tests import factories
from tests.factories import ALICE, Cast

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
    assert set(declared) == {"GET /api/v1/kiosk/", "POST /api/v1/snapshots/", "GET /api/v1/punches/"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=["as declared", "not as declared"])
@pytest.mark.parametrize("label", ["GET /api/v1/kiosk/", "POST /api/v1/snapshots/", "GET /api/v1/punches/"])
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
    good = {"image": factories.picture(), "taken": timezone.now().isoformat()}
    seen: set[int] = set()

    @BOUNDED
    @given(declared[label].as_strategy(generation_mode=mode), st.booleans())
    def answer(case: Any, sensible: bool) -> None:
        # Chance alone draws neither a picture nor a sensible period.
        if isinstance(case.body, dict) and sensible:
            case.body |= good
        if "punches" in label and sensible:
            case.query |= {"first": "2026-03-01", "last": "2026-03-02"}
        if "kiosk" in label or "snapshots" in label:
            case.headers["Authorization"] = f"Kiosk {cast.key}"
        else:
            case.cookies.update(cookies)
        response = case.call_and_validate(checks=CHECKS)
        seen.add(response.status_code)

    answer()
    assert 200 in seen or mode is GenerationMode.NEGATIVE
