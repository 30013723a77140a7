"""Odoo: punches as attendances (hr.attendance) by JSON-RPC: in opens one, out closes the open one.

Written after its published external API; tried against a server of the same shape in the tests, not against
the product.
"""

import json
from datetime import UTC
from typing import Any

from access.attendance import LONGEST_STAY, Punch
from access.hooks import posting
from access.hooks.endpoints import Endpoint
from access.hooks.outcome import Fate, Outcome, of_status

FIELD = "barcode"
TIME = "%Y-%m-%d %H:%M:%S"


class Declined(Exception):
    """The answer that ends an attempt."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


def deliver(endpoint: Endpoint, secret: str, punch: Punch) -> Outcome:
    """One attempt; repeating it changes nothing, because it looks before it writes."""
    try:
        uid = _call(endpoint, "common", "authenticate", endpoint.database, endpoint.account, secret, {})
        if not uid:
            return Outcome(Fate.AGAIN, 200, "the login is not accepted")
        return _note(endpoint, (endpoint.database, uid, secret), punch)
    except posting.Unreachable as error:
        return Outcome(Fate.AGAIN, error=str(error))
    except Declined as declined:
        return declined.outcome


def _note(endpoint: Endpoint, login: tuple[object, ...], punch: Punch) -> Outcome:
    def ask(model: str, method: str, *args: object, **options: object) -> Any:
        return _call(endpoint, "object", "execute_kw", *login, model, method, list(args), options)

    field = endpoint.employee_field or FIELD
    found = ask("hr.employee", "search", [[field, "=", punch.person.badge]], limit=2)
    if len(found) != 1:
        return Outcome(Fate.REFUSED, 200, "refused: not exactly one employee with this badge number")
    at = punch.at.astimezone(UTC).strftime(TIME)
    mine = ["employee_id", "=", found[0]]
    coming = punch.direction in {"in", "break_in"}
    if ask("hr.attendance", "search", [mine, ["check_in" if coming else "check_out", "=", at]], limit=1):
        return Outcome(Fate.DELIVERED, 200)
    if coming:
        ask("hr.attendance", "create", {"employee_id": found[0], "check_in": at})
        return Outcome(Fate.DELIVERED, 200)
    oldest = (punch.at - LONGEST_STAY).astimezone(UTC).strftime(TIME)
    during = [["check_in", "<=", at], ["check_in", ">=", oldest], ["check_out", "=", False]]
    open_ones = ask("hr.attendance", "search", [mine, *during], order="check_in desc", limit=1)
    if not open_ones:
        return Outcome(Fate.REFUSED, 200, "refused: nothing is open that this punch could close")
    ask("hr.attendance", "write", open_ones, {"check_out": at})
    return Outcome(Fate.DELIVERED, 200)


def _call(endpoint: Endpoint, service: str, method: str, *args: object) -> Any:
    """The result. Raises posting.Unreachable or Declined."""
    params = {"service": service, "method": method, "args": list(args)}
    body = json.dumps({"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}).encode()
    answer = posting.post(endpoint.url.rstrip("/") + "/jsonrpc", body, {"Content-Type": "application/json"})
    if answer.status != 200:
        raise Declined(of_status(answer.status) if answer.status != 410 else Outcome(Fate.AGAIN, 410, "gone"))
    try:
        said = json.loads(answer.body)
    except ValueError:
        raise Declined(Outcome(Fate.AGAIN, 200, "no JSON came back")) from None
    if not isinstance(said, dict) or "error" in said:
        name = str(said.get("error", {}).get("data", {}).get("name", "")) if isinstance(said, dict) else ""
        # What it finds wrong with the record stays wrong; everything else may pass.
        fate = Fate.REFUSED if name.endswith(("ValidationError", "UserError")) else Fate.AGAIN
        raise Declined(Outcome(fate, 200, f"error of Odoo ({name.rpartition('.')[2][:60] or 'unknown'})"))
    return said.get("result")
