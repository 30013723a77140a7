"""Frappe HR and Odoo: servers of the same shape on this machine. The products themselves were not there."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access import attendance
from access.hooks import deliveries, endpoints
from access.models import Delivery, Endpoint, Punch
from tests import factories
from tests.access.hooks.listening import Listener, Post, Reply
from tests.access.hooks.test_webhooks import due_again
from tests.factories import Cast

AT = datetime(2026, 3, 2, 7, 58, 11, tzinfo=UTC)


def punch(person: Any, minutes: int, direction: str) -> Punch:
    return attendance.note_punch(person, at=AT + timedelta(minutes=minutes), direction=direction)


class FrappeShape:
    """Checks what the method of the employee check-in checks, and keeps the logs."""

    def __init__(self) -> None:
        self.logs: list[tuple[str, str, str]] = []

    def answer(self, post: Post) -> Reply:
        if post.headers["authorization"] != "token key:secret":
            return 401, {}, b'{"exc_type": "AuthenticationError"}'
        assert post.path.endswith("employee_checkin.add_log_based_on_employee_field")
        log = post.json
        assert log["employee_fieldname"] == "attendance_device_id"
        if log["employee_field_value"] not in {"00017", "00018"}:
            return 417, {}, b'{"exception": "No Employee found for the given employee field value."}'
        row = (log["employee_field_value"], log["timestamp"], log["log_type"])
        if any(known[:2] == row[:2] for known in self.logs):
            return 417, {}, b'{"exception": "This employee already has a log with the same timestamp."}'
        self.logs.append(row)
        return 200, {}, json.dumps({"message": {"name": f"EMP-CKIN-{len(self.logs)}"}}).encode()


@pytest.fixture
def frappe(listener: Listener, db: None) -> FrappeShape:
    shape = FrappeShape()
    listener.answer = shape.answer
    made = Endpoint(name="Frappe", kind="frappe", url=listener.url, account="key", zone="Asia/Kolkata")
    made.full_clean()
    made.save()
    endpoints.set_secret(made, "secret")
    return shape


def test_frappe_gets_wall_time_of_its_own_zone_and_in_or_out(cast: Cast, frappe: FrappeShape) -> None:
    for minutes, direction in ((0, "in"), (60, "break_out"), (90, "break_in"), (500, "out")):
        punch(cast.alice, minutes, direction)
    assert deliveries.work_round() == 4
    assert frappe.logs == [
        ("00017", "2026-03-02 13:28:11.000000", "IN"),
        ("00017", "2026-03-02 14:28:11.000000", "OUT"),
        ("00017", "2026-03-02 14:58:11.000000", "IN"),
        ("00017", "2026-03-02 21:48:11.000000", "OUT"),
    ]


def test_frappe_s_own_memory_makes_a_repeat_harmless(
    cast: Cast, frappe: FrappeShape, listener: Listener
) -> None:
    punch(cast.alice, 0, "in")
    listener.answer = lambda post: (frappe.answer(post), (502, {}, b""))[1]  # the answer is lost on its way
    deliveries.work_round()
    listener.answer = frappe.answer
    due_again()
    deliveries.work_round()
    assert len(frappe.logs) == 1
    assert Delivery.objects.get().state == "delivered"


def test_an_employee_that_frappe_does_not_know_holds_up_nobody(cast: Cast, frappe: FrappeShape) -> None:
    punch(factories.person(badge="4711"), 0, "in")
    punch(cast.alice, 1, "in")
    deliveries.work_round()
    states = dict(Delivery.objects.values_list("state", "status"))
    assert states == {"refused": 417, "delivered": 200}


def test_a_wrong_key_is_tried_again_in_order(cast: Cast, frappe: FrappeShape) -> None:
    endpoint = Endpoint.objects.get()
    endpoints.set_secret(endpoint, "wrong")
    punch(cast.alice, 0, "in")
    punch(cast.alice, 60, "out")
    assert deliveries.work_round() == 1, "the second waits for the first"
    endpoints.set_secret(endpoint, "secret")
    due_again()
    deliveries.work_round()
    assert [log[2] for log in frappe.logs] == ["IN", "OUT"]


class OdooShape:
    """The few calls of its external API that are used, over dictionaries."""

    def __init__(self) -> None:
        self.employees = {7: "00017", 8: "00018"}
        self.attendances: dict[int, dict[str, Any]] = {}

    def answer(self, post: Post) -> Reply:
        assert post.path == "/jsonrpc"
        params = post.json["params"]
        result = self.call(params["service"], params["method"], params["args"])
        return 200, {}, json.dumps({"jsonrpc": "2.0", "id": 1} | result).encode()

    def call(self, service: str, method: str, args: list[Any]) -> dict[str, Any]:
        if (service, method) == ("common", "authenticate"):
            return {"result": 2 if args[:3] == ["hr", "bot", "secret"] else False}
        assert (service, method, args[:3]) == ("object", "execute_kw", ["hr", 2, "secret"])
        model, called, values, options = args[3:]
        if (model, called) == ("hr.employee", "search"):
            [[[field, sign, badge]]] = values
            assert (field, sign) == ("barcode", "=")
            return {"result": [key for key, known in self.employees.items() if known == badge]}
        return {"result": getattr(self, called)(*values, **options)}

    def search(self, domain: list[Any], limit: int, order: str = "") -> list[int]:
        fits = {
            "=": lambda left, right: (left or False) == right,
            "<=": lambda left, right: left <= right,
            ">=": lambda left, right: left >= right,
        }
        found = [
            key
            for key, row in self.attendances.items()
            if all(fits[sign](row.get(field), value) for field, sign, value in domain)
        ]
        return sorted(found, key=lambda key: self.attendances[key]["check_in"], reverse=bool(order))[:limit]

    def create(self, values: dict[str, Any]) -> int:
        self.attendances[len(self.attendances) + 1] = dict(values)
        return len(self.attendances)

    def write(self, keys: list[int], values: dict[str, Any]) -> bool:
        for key in keys:
            self.attendances[key] |= values
        return True


@pytest.fixture
def odoo(listener: Listener, db: None) -> OdooShape:
    shape = OdooShape()
    listener.answer = shape.answer
    made = Endpoint(name="Odoo", kind="odoo", url=listener.url, account="bot", database="hr")
    made.full_clean()
    made.save()
    endpoints.set_secret(made, "secret")
    return shape


def test_odoo_gets_an_attendance_for_each_stay_in_utc(cast: Cast, odoo: OdooShape) -> None:
    for minutes, direction in ((0, "in"), (60, "break_out"), (90, "break_in"), (500, "out")):
        punch(cast.alice, minutes, direction)
    punch(cast.bob, 10, "in")
    assert deliveries.work_round() == 5
    assert list(odoo.attendances.values()) == [
        {"employee_id": 7, "check_in": "2026-03-02 07:58:11", "check_out": "2026-03-02 08:58:11"},
        {"employee_id": 7, "check_in": "2026-03-02 09:28:11", "check_out": "2026-03-02 16:18:11"},
        {"employee_id": 8, "check_in": "2026-03-02 08:08:11"},
    ]


def test_odoo_is_looked_at_before_it_is_written_to(cast: Cast, odoo: OdooShape, listener: Listener) -> None:
    def lose_the_answer(post: Post) -> Reply:
        answer = odoo.answer(post)
        writes = b'"create"' in post.body or b'"write"' in post.body
        return (502, {}, b"") if writes else answer

    for minutes, direction in ((0, "in"), (60, "out")):
        punch(cast.alice, minutes, direction)
    for _ in range(2):
        listener.answer = lose_the_answer
        deliveries.work_round()
        listener.answer = odoo.answer
        due_again()
        deliveries.claim(Endpoint.objects.get())
        due_again()
        deliveries.work_round()
    assert list(odoo.attendances.values()) == [
        {"employee_id": 7, "check_in": "2026-03-02 07:58:11", "check_out": "2026-03-02 08:58:11"}
    ]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


@pytest.mark.parametrize(
    ("badge", "direction", "error"),
    [("4711", "in", "one employee"), ("00017", "out", "nothing is open")],
)
def test_what_odoo_cannot_take_is_refused_with_a_reason(
    cast: Cast, odoo: OdooShape, badge: str, direction: str, error: str
) -> None:
    person = cast.alice if badge == "00017" else factories.person(badge=badge)
    punch(person, 0, direction)
    deliveries.work_round()
    delivery = Delivery.objects.get()
    assert delivery.state == "refused"
    assert error in delivery.error


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b'{"error": {"data": {"name": "odoo.exceptions.ValidationError"}}}', "refused"),
        (b'{"error": {"data": {"name": "odoo.exceptions.AccessDenied"}}}', "pending"),
        (b"<html>maintenance</html>", "pending"),
        (b"[]", "pending"),
    ],
)
def test_odoo_s_errors(cast: Cast, odoo: OdooShape, listener: Listener, body: bytes, state: str) -> None:
    listener.answer = lambda post: (200, {}, body)
    punch(cast.alice, 0, "in")
    deliveries.work_round()
    assert Delivery.objects.get().state == state


def test_a_connector_needs_its_account_and_hears_of_punches_only(db: None) -> None:
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError, match="account"):
        Endpoint(name="x", kind="frappe", url="https://hr.example").full_clean()
    with pytest.raises(ValidationError, match="database"):
        Endpoint(name="x", kind="odoo", url="https://hr.example", account="a").full_clean()
    fine = Endpoint(name="x", kind="frappe", url="https://hr.example", account="a", events=["alarm.raised"])
    fine.full_clean()
    assert fine.events == ["punch.noted"]
