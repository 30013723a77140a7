"""What became of photographs just taken, for the page that took them: no picture, no score, no name."""

from collections.abc import Iterable
from typing import Any

from access.enrolment import Enrolment, Photograph

# So many good photographs make a face that is found in other light and from other sides as well (ACC-07).
ENOUGH = 3
ANGLES = ("straight", "left", "right")
# The yaw from five points is right to some degrees; beyond this a head is visibly turned.
TURNED_DEGREES = 9


def angle_of(quality: dict[str, float]) -> str:
    """Where the face looks, as the person would say it: straight, left or right; empty if not measured.

    Yaw counts to the picture's right, which is the person's own left.
    """
    yaw = quality.get("yaw")
    if yaw is None:
        return ""
    return "straight" if abs(yaw) < TURNED_DEGREES else "left" if yaw > 0 else "right"


def told(enrolments: Iterable[Enrolment]) -> dict[str, Any]:
    """The photographs of these enrolments in the order in which they came, and how many are good."""
    rows = list(
        Photograph.objects.filter(enrolment__in=enrolments)
        .defer("sealed")
        .select_related("enrolment")
        .order_by("enrolment_id", "id")
    )
    accepted = [row for row in rows if row.state == Photograph.State.ACCEPTED]
    return {
        "photographs": [
            {
                "state": row.state,
                "reason": row.reason,
                "angle": angle_of(row.quality) if row.state == Photograph.State.ACCEPTED else "",
            }
            for row in rows
        ],
        "waiting": any(row.enrolment.state == Enrolment.State.WAITING for row in rows),
        "review": any(row.enrolment.state == Enrolment.State.REVIEW for row in rows),
        "accepted": len(accepted),
    }
