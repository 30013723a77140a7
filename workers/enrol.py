"""Look at an enrolment's photographs, one a task, and then settle the whole set.

One photograph a task, because a person at a door never waits longer than one.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from statistics import median_low

from access import enrolment, gallery, pictures, queue, vault
from access.enrolment import Enrolment, Photograph
from access.fates import Fate
from access.queue import app
from recognition import Sighting, Unreadable, decode, encode_jpeg, threshold_for
from recognition.weights import Card
from workers import sight, turning

# How sure a set must be that it shows one person: the share of pairs of strangers that would pass as
# one. Low enough to stop a stray photograph, high enough for an old passport picture.
AGREEMENT_FMR = 0.02
# From here on a face may already be enrolled as somebody else and a human looks (requirements ACC-09:
# a lower threshold than at the door, because two studio photographs resemble each other less).
LOOKALIKE_FPIR = 0.01
STORED_SIDE = 1280

logger = logging.getLogger(__name__)


@app.task(name=queue.ENROL)
def enrol(enrolment_id: str) -> None:
    """One step: judge the next photograph, or settle the set when all are judged. Safe to repeat."""
    held = enrolment.claim(enrolment_id)
    if held is None:
        return
    photograph = enrolment.next_photograph(held)
    if photograph is None:
        settle(held)
        return
    judge(photograph)
    enrolment.release(held)
    queue.send(queue.ENROL, held.pk)


def judge(photograph: Photograph) -> None:
    """Accept or refuse one photograph, with the reason, the face's place and its quality."""
    try:
        data = enrolment.open_photograph(photograph)
        limits = pictures.PHOTOGRAPH
        rgb = decode(
            data, max_bytes=limits.most_bytes, max_pixels=limits.most_pixels, max_side=limits.longest_side
        )
        # Stored anew: whatever else was in the file, such as the place it was taken, is gone.
        stored = encode_jpeg(rgb, longest=STORED_SIDE)
        seen = decode(stored, max_bytes=limits.most_bytes)
    except (Unreadable, vault.Sealed):
        enrolment.refuse_photograph(photograph, Fate.UNREADABLE)
        return
    with sight.eyes() as recognizer:
        sighting = recognizer.look_at(seen, purpose="enrolment")
    quality = sighting.quality.numbers() if sighting.quality else {}
    if sighting.problem is not None or sighting.vector is None or sighting.face is None:
        fate = Fate(sighting.problem.value) if sighting.problem else Fate.UNREADABLE
        enrolment.refuse_photograph(photograph, fate, box=_box(sighting), quality=quality)
        return
    turn, secret = gallery.current_turn()
    enrolment.accept_photograph(
        photograph,
        turning.turn(sighting.vector, secret),
        model=sighting.model,
        turn=turn,
        box=_box(sighting) or (),
        quality=quality,
        sharp=quality.get("sharpness"),
        stored=stored,
    )


def _box(sighting: Sighting) -> list[float] | None:
    """The face as shares of the picture's sides, so that it can be drawn at any size."""
    if sighting.face is None:
        return None
    left, top, right, bottom = sighting.face.box
    return [
        round(left / sighting.width, 4),
        round(top / sighting.height, 4),
        round(right / sighting.width, 4),
        round(bottom / sighting.height, 4),
    ]


def settle(held: Enrolment) -> None:
    """Done, refused, or to a human, once every photograph has been judged."""
    with sight.eyes() as recognizer:
        card = recognizer.card
    with enrolment.one_at_a_time():
        _settle(held, card)


def _settle(held: Enrolment, card: Card) -> None:
    for photograph_id in odd_ones_out(enrolment.resemblances(held), agreement(card)):
        enrolment.refuse_photograph(Photograph.objects.get(pk=photograph_id), Fate.DISAGREES)
    prints = enrolment.new_faceprints(held)
    if not prints:
        enrolment.refuse(held)
        return
    for faceprint in prints:
        search = gallery.nearest_other(
            faceprint.vector, model=faceprint.model, turn=faceprint.turn_id, person=held.person_id
        )
        if search.neighbours and search.neighbours[0].score >= lookalike(card, search.size):
            best = search.neighbours[0]
            enrolment.ask_review(held, best.person, round(best.score, 4))
            return
    enrolment.complete(held)


def agreement(card: Card) -> float:
    """The least cosine of two pictures of one person in a set. Infinite without a calibration."""
    return (
        threshold_for(card.calibration.points, gallery_size=1, fpir=AGREEMENT_FMR)
        if card.calibration
        else float("inf")
    )


def lookalike(card: Card, gallery_size: int) -> float:
    """The cosine with somebody else from which on a human decides."""
    if card.calibration is None:
        return -1.0
    return threshold_for(card.calibration.points, gallery_size=max(gallery_size, 1), fpir=LOOKALIKE_FPIR)


def odd_ones_out(resemblances: Sequence[tuple[int, int, float]], least: float) -> list[int]:
    """Photographs that do not show the same person as the others, the oddest first.

    A photograph belongs if it resembles one of the faceprints already in use, however many of its set
    disagree with those; where there are none, if it resembles at least half of its set. The oddest is
    taken away before the others are judged again, so one stranger among five friends does not spoil the
    friends. Where those left are not the majority, all are odd: of two that disagree nobody can tell
    which is right.
    """
    scores: dict[int, dict[int, float]] = defaultdict(dict)
    for photograph, other, score in resemblances:
        scores[photograph][other] = score
    odd: list[int] = []
    while any(scores.values()):
        worst = min(
            (photograph for photograph in scores if scores[photograph]), key=lambda p: _fit(scores[p])
        )
        if _fit(scores[worst])[0] >= least:
            break
        odd.append(worst)
        del scores[worst]
        for row in scores.values():
            row.pop(worst, None)
    vouched_for = any(other < 0 for row in scores.values() for other in row)
    if odd and not vouched_for and len(scores) <= len(odd):
        odd.extend(scores)
    return odd


def _fit(row: dict[int, float]) -> tuple[float, float]:
    """The resemblance that counts, and the mean to tell equals apart.

    Not the mean alone: two photographs each of two people would pass as one.
    """
    in_use = [score for other, score in row.items() if other < 0]
    return max(in_use) if in_use else median_low(row.values()), sum(row.values()) / len(row)
