"""What a decision keeps of its case is read back as it was, through JSON: else it could not be made again."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from access import policy
from access.policy import Case, Doorway, Evidence, Inside, Moment, Passage, Passback, Proof, Reason, Shown

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MOMENT = Moment(NOON, NOON, NOON, NOON + timedelta(seconds=2), timedelta(seconds=30))

keys = st.none() | st.integers(1, 10**12)
proofs = st.none() | st.sampled_from(Proof)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
problems = st.none() | st.sampled_from([reason for reason in Reason if reason is not Reason.OK])
evidences = st.none() | st.builds(
    Evidence,
    problem=problems,
    person=keys,
    live=st.none() | st.booleans(),
    judged_by=st.sampled_from(["", "passive", "colour"]),
    people=st.lists(st.integers(1, 10**12), max_size=3).map(tuple),
)
shown = st.builds(
    Shown,
    picture=st.booleans(),
    card=proofs,
    pin=proofs,
    card_person=keys,
    badge=st.booleans(),
    badge_person=keys,
    step_age=st.none() | st.timedeltas(timedelta(0), timedelta.max),
)
insides = st.builds(
    Inside,
    zone=st.text(max_size=20),
    since=moments,
    rule=st.sampled_from(Passback),
    minutes=st.integers(0, 1440),
)
passages = st.builds(
    Passage,
    inside=st.none() | insides,
    full=st.text(max_size=9),
    beside=st.text(max_size=9),
    companion=st.booleans(),
)


@settings(deadline=None)
@given(evidences, shown, passages, st.booleans(), moments, moments)
def test_what_is_read_back_equals_what_was_written(
    evidence: Evidence | None,
    what: Shown,
    passage: Passage,
    somebody_came: bool,
    now: datetime,
    at: datetime,
) -> None:
    door = Doorway("Front door", somebody_came=somebody_came)
    case = Case(replace(MOMENT, now=now), door, evidence, what, passage=passage)
    kept = json.loads(json.dumps(policy.note(case, at)))
    assert policy.evidence_of(kept) == evidence
    assert policy.shown_of(kept) == what
    assert policy.passage_of(kept) == passage
    assert (kept["somebody_came"], kept["now"], kept["at"]) == (
        somebody_came,
        now.isoformat(),
        at.isoformat(),
    )


def test_what_was_not_there_takes_no_room() -> None:
    kept = policy.note(Case(MOMENT, Doorway("Front door"), None), NOON)
    assert (kept["evidence"], kept["shown"], kept["passage"]) == (None, {}, {})


def test_the_numbers_behind_a_face_are_kept_elsewhere() -> None:
    """They stand beside the case for the auditor; nothing decides by them."""
    kept = policy.note(Case(MOMENT, Doorway("Front door"), Evidence(person=7, facts={"score": 0.7})), NOON)
    assert kept["evidence"] == {
        "problem": None,
        "person": 7,
        "live": None,
        "judged_by": "",
        "people": [],
    }
