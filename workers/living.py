"""Whether the face in a snapshot is alive, by what its door demands: frames and challenge to one judgement.

Promise: nothing is called live but by the check that was demanded, and never for frames of anybody else than
the face that is matched. What is missing, unreadable or answers something else is not judged.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

from access.places import Door
from access.snapshots import Burst
from recognition import (
    Liveness,
    Recognizer,
    Sighting,
    Uncalibrated,
    Unreadable,
    burst,
    challenge,
    decode,
    threshold_for,
)
from recognition.burst import Frame
from recognition.challenge import Challenge
from recognition.liveness import Method, Why, not_judged
from recognition.recognizer import Rule

# The false-match rate at which frames count as one person, and as the one who is matched. Turned heads and
# coloured light cost some likeness; a stranger among the frames passes for the person once in a thousand.
SAME = 0.001
CHALLENGES = {Door.Liveness.COLOUR: Method.COLOUR, Door.Liveness.TURN: Method.TURN}


def judged(
    eyes: Recognizer, sighting: Sighting, sent: Burst | None, *, demanded: str, faces: Rule
) -> Sighting:
    """The sighting with the judgement that the door demands; as it is where none is demanded."""
    began = time.perf_counter()
    if demanded in CHALLENGES:
        found = _challenged(eyes, sighting, sent, CHALLENGES[Door.Liveness(demanded)], faces)
    elif demanded == Door.Liveness.PASSIVE and sent is not None:
        found = _moving(eyes, sighting, sent, faces)
    else:
        return sighting
    spent = sighting.milliseconds | {"frames": 1000 * (time.perf_counter() - began)}
    return replace(sighting, liveness=found, milliseconds=spent)


def _challenged(
    eyes: Recognizer, sighting: Sighting, sent: Burst | None, method: Method, faces: Rule
) -> Liveness:
    if sighting.vector is None:
        return not_judged(Why.NO_FACE, method=method)
    if sent is None or sent.asked is None or sent.asked.kind != method:
        return not_judged(Why.NO_BURST, method=method)
    try:
        same, frames = _same(eyes), list(_frames(eyes, sent, faces))
    except Uncalibrated:
        return not_judged(Why.NO_MODEL, method=method)
    except Unreadable:
        return not_judged(Why.NO_FACE, method=method)
    asked = Challenge(method, side=sent.asked.side or None, colours=sent.asked.colours)  # type: ignore[arg-type]
    return challenge.check(frames, asked, same=same, whose=sighting.vector)


def _moving(eyes: Recognizer, sighting: Sighting, sent: Burst, faces: Rule) -> Liveness | None:
    """Passive liveness, which frames that are one picture, a plane or somebody else take away. They add
    nothing: who sends none is judged by the picture alone."""
    if sighting.liveness is None or not sighting.liveness.live:
        return sighting.liveness
    try:
        found = burst.check(list(_frames(eyes, sent, faces)), same=_same(eyes), whose=sighting.vector)
    except (Uncalibrated, Unreadable):
        return sighting.liveness
    return found if found.judged and not found.live else sighting.liveness


def _frames(eyes: Recognizer, sent: Burst, faces: Rule) -> Iterator[Frame]:
    """Raises Unreadable where one of them shows no face, or one too many."""
    for shot in sent.shots:
        frame = eyes.frame(decode(shot.image), shot.milliseconds / 1000, faces=faces)
        if frame is None:
            raise Unreadable("no_face", "no face, or several")
        yield frame


def _same(eyes: Recognizer) -> float:
    points = eyes.card.calibration.points if eyes.card.calibration else ()
    return threshold_for(points, gallery_size=1, fpir=SAME)
