"""How it was judged whether a face is alive, in words: what was demanded, by which check, and why not.

Promise: everything that a decision keeps of it is shown, in the unit of the check that measured it.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

from access.places import Door

METHODS = {
    "passive": _("the picture alone"),
    "burst": _("how the face moved in the frames"),
    "turn": _("the turn of the head"),
    "colour": _("the colours on the face"),
}
# The checks measure different things.
SCORES = {
    "passive": _("%(score)s (0 to 1)"),
    "burst": _("%(score)s eye distances"),
    "turn": _("%(score)s° to the side asked for"),
    "colour": _("%(score)s (correlation, −1 to 1)"),
}
# The closed list of recognition.liveness.Why; a test holds the two together.
NOT_LIVE = {
    "no_model": _("The workers have no model that could judge it."),
    "no_face": _("The picture or a frame showed no face, or several."),
    "no_margin": _("The picture ends too close to the face."),
    "no_burst": _("No frames came that answer what was asked, in time and in step."),
    "still": _("The face moved too little to be told from a picture."),
    "spoof": _("The model takes it for a picture of a face."),
    "another_face": _("The frames do not all show the face that was matched."),
    "jumped": _("The face moved faster than people do."),
    "frozen": _("The frames are one and the same picture."),
    "flat": _("All of it moved as one plane."),
    "wrong_turn": _("The head did not turn as asked, and back."),
    "wrong_colours": _("The face did not take the colours of the screen."),
}
ASKED = {
    "left": _("to turn to their left, and back"),
    "right": _("to turn to their right, and back"),
    "red": _("red"),
    "green": _("green"),
    "blue": _("blue"),
    "white": _("white"),
}


def rows(facts: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Each with its label, for a decision's page; none where nothing was demanded or judged."""
    seen, burst = facts.get("liveness") or {}, facts.get("burst") or {}
    method, score = seen.get("method"), seen.get("score")
    asked = burst.get("asked")
    values = [
        (_("Liveness demanded by the door"), dict(Door.Liveness.choices).get(facts.get("demanded"))),
        (_("Asked of the person"), _words(asked) if asked else None),
        (_("Frames beside the picture"), burst.get("frames")),
        (_("Liveness judged by"), METHODS.get(method, method)),
        (
            _("Live"),
            {True: _("yes"), False: _("no")}.get(seen.get("live"), _("not judged")) if seen else None,
        ),
        (
            _("Liveness score"),
            SCORES.get(method, "%(score)s") % {"score": score} if score is not None else None,
        ),
        (_("Why not live"), NOT_LIVE.get(seen.get("why"), seen.get("why"))),
    ]
    return [(label, value) for label, value in values if value is not None]


def _words(asked: str | list[str]) -> str:
    return ", ".join(str(ASKED.get(each, each)) for each in ([asked] if isinstance(asked, str) else asked))
