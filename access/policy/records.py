"""What a decision keeps of its case, so that it can be made again: all that the rules themselves do not hold.

Promise: what is read back equals what was written. No name of a person stands in it, only keys.
"""

from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

from access.policy.facts import Case, Evidence, Inside, Passage, Passback, Proof, Shown
from access.policy.reasons import Reason

_MICROSECOND = timedelta(microseconds=1)


def note(case: Case, at: datetime) -> dict[str, Any]:
    """As JSON: what was seen, shown and found at the door. `at` is the moment the rules were read for."""
    seen = None
    if case.evidence is not None:
        seen = {
            "problem": case.evidence.problem,
            "person": case.evidence.person,
            "live": case.evidence.live,
            "judged_by": case.evidence.judged_by,
            "people": list(case.evidence.people),
        }
    shown = _without_defaults(case.shown)
    if case.shown.step_age is not None:
        shown["step_age"] = case.shown.step_age // _MICROSECOND
    inside = case.passage.inside
    passage = _without_defaults(case.passage)
    if inside is not None:
        passage["inside"] = asdict(inside) | {"since": inside.since.isoformat()}
    return {
        "at": at.isoformat(),
        "now": case.moment.now.isoformat(),
        "evidence": seen,
        "shown": shown,
        "passage": passage,
        "somebody_came": case.door.somebody_came,
    }


def evidence_of(kept: dict[str, Any]) -> Evidence | None:
    seen = kept["evidence"]
    if seen is None:
        return None
    problem = Reason(seen["problem"]) if seen["problem"] else None
    # What was kept before there were several checks was judged by the only one there was.
    by = seen.get("judged_by", "passive")
    return Evidence(problem, seen["person"], seen["live"], by, people=tuple(seen["people"]))


def shown_of(kept: dict[str, Any]) -> Shown:
    given = dict(kept["shown"])
    for name in ("card", "pin"):
        if given.get(name) is not None:
            given[name] = Proof(given[name])
    if given.get("step_age") is not None:
        given["step_age"] = given["step_age"] * _MICROSECOND
    return Shown(**given)


def passage_of(kept: dict[str, Any]) -> Passage:
    given = dict(kept["passage"])
    if given.get("inside"):
        inside = dict(given["inside"])
        inside["since"] = datetime.fromisoformat(inside["since"])
        inside["rule"] = Passback(inside["rule"])
        given["inside"] = Inside(**inside)
    return Passage(**given)


def _without_defaults(facts: Shown | Passage) -> dict[str, Any]:
    return {
        field.name: value for field in fields(facts) if (value := getattr(facts, field.name)) != field.default
    }
