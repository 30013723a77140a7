"""Frappe HR: every punch as an Employee Checkin, by the method that biometric devices use there.

Written after its published interface (add_log_based_on_employee_field); tried against a server of the same
shape in the tests, not against the product.
"""

import json

from access.attendance import Punch
from access.hooks import posting
from access.hooks.endpoints import Endpoint
from access.hooks.outcome import Fate, Outcome, of_status

METHOD = "/api/method/hrms.hr.doctype.employee_checkin.employee_checkin.add_log_based_on_employee_field"
FIELD = "attendance_device_id"
# What it says to a log it already has: an earlier attempt got through and its answer did not.
KNOWN = "already has a log with the same timestamp"


def deliver(endpoint: Endpoint, secret: str, punch: Punch) -> Outcome:
    """One attempt. Breaks are told as out and in, the only words it has."""
    wall = punch.at.astimezone(endpoint.timezone).replace(tzinfo=None)
    log = {
        "employee_field_value": punch.person.badge,
        "employee_fieldname": endpoint.employee_field or FIELD,
        "timestamp": wall.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "device_id": str(punch.kiosk) if punch.kiosk else punch.source,
        "log_type": "IN" if punch.direction in {"in", "break_in"} else "OUT",
    }
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Authorization": f"token {endpoint.account}:{secret}",
    }
    try:
        answer = posting.post(endpoint.url.rstrip("/") + METHOD, json.dumps(log).encode(), headers)
    except posting.Unreachable as error:
        return Outcome(Fate.AGAIN, error=str(error))
    if KNOWN in answer.body.decode("utf-8", errors="replace"):
        return Outcome(Fate.DELIVERED, answer.status)
    # 417 is its word for a document that does not hold, above all for a badge number nobody has there.
    if answer.status in {404, 417, 422}:
        return Outcome(Fate.REFUSED, answer.status, "refused: is there an employee with this badge number?")
    return of_status(answer.status)
