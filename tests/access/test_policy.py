"""The rule of the door as a table, and as promises that hold for any facts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access import policy
from access.policy import MESSAGES, Evidence, Moment, Reason, Standing, Verdict, decide

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ON_TIME = Moment(
    taken=NOON,
    received=NOON + timedelta(milliseconds=300),
    now=NOON + timedelta(milliseconds=500),
    deadline=NOON + timedelta(milliseconds=2300),
    freshness=timedelta(seconds=30),
    must_live=False,
)
PASSIVE = replace(ON_TIME, must_live=True)
LATE = replace(ON_TIME, now=ON_TIME.deadline + timedelta(microseconds=1))
OLD = replace(ON_TIME, taken=NOON - timedelta(seconds=30))
AHEAD = replace(ON_TIME, taken=ON_TIME.received + timedelta(seconds=10, microseconds=1))
KNOWN = Evidence(person=7)
WELCOME = Standing(active=True, consented=True, admitted=True)
PICTURE = [
    Reason.UNREADABLE,
    Reason.NO_FACE,
    Reason.SEVERAL_FACES,
    Reason.TOO_SMALL,
    Reason.CUT_OFF,
    Reason.BLURRED,
    Reason.TOO_DARK,
    Reason.TOO_BRIGHT,
    Reason.TURNED_AWAY,
]

TABLE: dict[Reason, tuple[Moment, Evidence | None, Standing | None]] = {
    Reason.OK: (ON_TIME, KNOWN, WELCOME),
    Reason.STALE: (OLD, KNOWN, WELCOME),
    Reason.CLOCK_UNTRUSTED: (AHEAD, KNOWN, WELCOME),
    Reason.DEADLINE: (LATE, KNOWN, WELCOME),
    **{reason: (ON_TIME, Evidence(problem=reason), None) for reason in PICTURE},
    Reason.SPOOF_SUSPECTED: (PASSIVE, replace(KNOWN, live=False), WELCOME),
    Reason.LIVENESS_UNJUDGED: (PASSIVE, KNOWN, WELCOME),
    Reason.UNKNOWN_FACE: (ON_TIME, Evidence(), None),
    Reason.AMBIGUOUS: (ON_TIME, Evidence(problem=Reason.AMBIGUOUS), None),
    Reason.SUSPENDED: (ON_TIME, KNOWN, replace(WELCOME, active=False)),
    Reason.NOT_CONSENTED: (ON_TIME, KNOWN, replace(WELCOME, consented=False)),
    Reason.NO_PERMISSION: (ON_TIME, KNOWN, replace(WELCOME, admitted=False)),
    Reason.UNCALIBRATED: (ON_TIME, Evidence(problem=Reason.UNCALIBRATED), None),
    Reason.WORKER_FAILED: (ON_TIME, Evidence(problem=Reason.WORKER_FAILED), None),
}


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_row_and_the_row_gives_that_reason(reason: Reason) -> None:
    assert decide(*TABLE[reason]) == Verdict(reason is Reason.OK, reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence_for_the_screen(reason: Reason) -> None:
    assert Verdict(False, reason).message == MESSAGES[reason]
    assert MESSAGES[reason].endswith(".")


def test_the_screen_does_not_tell_a_spoof_from_a_stranger() -> None:
    said = {
        MESSAGES[reason] for reason in (Reason.SPOOF_SUSPECTED, Reason.LIVENESS_UNJUDGED, Reason.UNKNOWN_FACE)
    }
    assert len(said) == 1


def test_no_sentence_is_left_over() -> None:
    assert set(MESSAGES) == set(Reason)


@pytest.mark.parametrize(
    ("moment", "evidence", "standing", "reason"),
    [
        (ON_TIME, None, WELCOME, Reason.DEADLINE),
        (ON_TIME, KNOWN, None, Reason.UNKNOWN_FACE),
        (replace(OLD, now=LATE.now), None, None, Reason.STALE),
        (AHEAD, Evidence(problem=Reason.NO_FACE), None, Reason.CLOCK_UNTRUSTED),
        (ON_TIME, Evidence(problem=Reason.BLURRED, person=7), WELCOME, Reason.BLURRED),
        (ON_TIME, KNOWN, Standing(active=False, consented=False, admitted=False), Reason.SUSPENDED),
        (ON_TIME, KNOWN, Standing(active=True, consented=False, admitted=False), Reason.NOT_CONSENTED),
        (LATE, KNOWN, replace(WELCOME, active=False), Reason.DEADLINE),
        (LATE, Evidence(), None, Reason.DEADLINE),
        (LATE, Evidence(problem=Reason.AMBIGUOUS), None, Reason.DEADLINE),
        (LATE, Evidence(problem=Reason.UNCALIBRATED), None, Reason.DEADLINE),
        (LATE, Evidence(problem=Reason.WORKER_FAILED), None, Reason.WORKER_FAILED),
        (PASSIVE, Evidence(live=False), None, Reason.SPOOF_SUSPECTED),
        (PASSIVE, Evidence(problem=Reason.AMBIGUOUS, live=False), None, Reason.SPOOF_SUSPECTED),
        (PASSIVE, Evidence(problem=Reason.AMBIGUOUS), None, Reason.LIVENESS_UNJUDGED),
        (PASSIVE, replace(KNOWN, live=False), replace(WELCOME, active=False), Reason.SPOOF_SUSPECTED),
        (PASSIVE, Evidence(problem=Reason.BLURRED), None, Reason.BLURRED),
        (replace(LATE, must_live=True), replace(KNOWN, live=False), WELCOME, Reason.DEADLINE),
        (replace(OLD, must_live=True), replace(KNOWN, live=False), WELCOME, Reason.STALE),
        (PASSIVE, None, WELCOME, Reason.DEADLINE),
        (PASSIVE, Evidence(live=True), None, Reason.UNKNOWN_FACE),
    ],
    ids=[
        "nobody looked in time",
        "a person erased between search and decision",
        "stale before late",
        "clock before picture",
        "a problem beats a name",
        "suspended before consent",
        "consent before permission",
        "late tells nothing about standing",
        "late tells nothing about being unknown",
        "late tells nothing about resembling two",
        "late tells nothing about resembling anybody",
        "an administrator sees what stopped the workers, however late",
        "a spoof does not tell whether its face is known",
        "a spoof does not tell whom it resembles",
        "what was not judged does not tell whom it resembles",
        "a spoof does not tell how its person stands",
        "a blurred face cannot be judged, and its person can help it",
        "late tells nothing about being live",
        "stale tells nothing about being live",
        "nobody looked, so nobody judged",
        "a living stranger is a stranger",
    ],
)
def test_the_order_of_the_checks_gives_nothing_away(
    moment: Moment, evidence: Evidence | None, standing: Standing | None, reason: Reason
) -> None:
    assert decide(moment, evidence, standing) == Verdict(False, reason)


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        (replace(ON_TIME, now=ON_TIME.deadline), Reason.OK),
        (LATE, Reason.DEADLINE),
        (replace(ON_TIME, taken=ON_TIME.received - ON_TIME.freshness), Reason.OK),
        (
            replace(ON_TIME, taken=ON_TIME.received - ON_TIME.freshness - timedelta(microseconds=1)),
            Reason.STALE,
        ),
        (replace(ON_TIME, taken=ON_TIME.received + policy.CLOCK_AHEAD), Reason.OK),
        (AHEAD, Reason.CLOCK_UNTRUSTED),
    ],
    ids=[
        "at the deadline",
        "just late",
        "just fresh",
        "just stale",
        "clock just near enough",
        "clock too far",
    ],
)
def test_limits_hold_to_the_microsecond(moment: Moment, reason: Reason) -> None:
    assert decide(moment, KNOWN, WELCOME).reason is reason


def test_ok_is_not_a_problem_anybody_can_report() -> None:
    with pytest.raises(ValueError, match="not a problem"):
        Evidence(problem=Reason.OK)


def test_a_time_without_zone_is_a_fault_and_opens_nothing() -> None:
    with pytest.raises(TypeError):
        decide(replace(ON_TIME, taken=datetime(2026, 3, 2, 12)), KNOWN, WELCOME)  # noqa: DTZ001


# --- For any facts --------------------------------------------------------------------------------

# Around both nights on which Berlin's and New York's clocks change, and anywhere else.
CHANGES = [
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
    datetime(2026, 3, 8, 7, 0, tzinfo=UTC),
    datetime(2026, 11, 1, 6, 0, tzinfo=UTC),
]
zones = st.sampled_from(
    [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")]
)
moments = st.one_of(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.builds(
        lambda change, seconds: change + timedelta(seconds=seconds),
        st.sampled_from(CHANGES),
        st.floats(-7200, 7200),
    ),
)


@st.composite
def facts(draw: st.DrawFn) -> tuple[Moment, Evidence | None, Standing | None]:
    received = draw(moments)

    def near(most: int) -> datetime:
        # Mostly within the limits, each in a zone of its own: equal instants must count as equal.
        moved = received + timedelta(milliseconds=draw(st.integers(-most, most)))
        return moved.astimezone(draw(zones))

    moment = Moment(
        taken=near(60_000),
        received=received,
        now=near(4_000),
        deadline=near(4_000),
        freshness=timedelta(seconds=draw(st.integers(2, 60))),
        must_live=draw(st.booleans()),
    )
    evidence = draw(
        st.none()
        | st.builds(
            Evidence,
            problem=st.none() | st.sampled_from([r for r in Reason if r is not Reason.OK]),
            person=st.none() | st.integers(1, 5),
            live=st.none() | st.booleans(),
        )
    )
    standing = draw(st.none() | st.builds(Standing, st.booleans(), st.booleans(), st.booleans()))
    return moment, evidence, standing


@given(facts())
def test_no_door_opens_without_one_known_active_consenting_admitted_and_timely_person(
    case: tuple[Moment, Evidence | None, Standing | None],
) -> None:
    moment, evidence, standing = case
    may = (
        evidence is not None
        and evidence.problem is None
        and evidence.person is not None
        and standing == WELCOME
        and (evidence.live is True or not moment.must_live)
        and moment.now.timestamp() <= moment.deadline.timestamp()
        and moment.received.timestamp() - moment.taken.timestamp() <= moment.freshness.total_seconds()
        and moment.taken.timestamp() <= moment.received.timestamp() + policy.CLOCK_AHEAD.total_seconds()
    )
    verdict = decide(moment, evidence, standing)
    assert verdict.granted == may == (verdict.reason is Reason.OK)


@given(facts())
def test_where_a_live_face_is_demanded_no_grant_comes_without_one(
    case: tuple[Moment, Evidence | None, Standing | None],
) -> None:
    moment, evidence, standing = case
    verdict = decide(replace(moment, must_live=True), evidence, standing)
    assert not verdict.granted or (evidence is not None and evidence.live is True)


@given(facts())
def test_a_face_that_is_not_live_gets_the_same_answer_whoever_it_belongs_to(
    case: tuple[Moment, Evidence | None, Standing | None],
) -> None:
    moment, evidence, standing = case
    if evidence is not None and evidence.problem is None and evidence.live is not True:
        demanded = replace(moment, must_live=True)
        nobody = replace(evidence, person=None)
        assert decide(demanded, evidence, standing) == decide(demanded, nobody, None)


@given(facts())
def test_whatever_the_clocks_alone_refuse_is_refused_with_the_same_reason_whatever_was_seen(
    case: tuple[Moment, Evidence | None, Standing | None],
) -> None:
    moment, evidence, standing = case
    if not policy.timely(moment):
        assert decide(moment, evidence, standing) == decide(moment, KNOWN, WELCOME)
        assert not decide(moment, KNOWN, WELCOME).granted
