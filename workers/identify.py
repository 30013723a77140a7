"""Look at one snapshot and have it decided."""

import logging
import math
from dataclasses import replace

import numpy as np

from access import decisions, gallery, health, queue, snapshots
from access.places import Door, Kiosk, Site
from access.policy import Evidence, Reason
from access.queue import app
from recognition import Ambiguous, Card, Match, Neighbour, Sighting, Uncalibrated, decide, threshold_for
from recognition.matching import needed_fmr
from recognition.quality import LIMITS
from recognition.recognizer import Rule
from recognition.weights import Calibration
from workers import living, sight, turning

logger = logging.getLogger(__name__)


@app.task(name=queue.IDENTIFY)
def identify(snapshot_id: str) -> None:
    """Safe to run twice or at once: only one holds the claim, and a decided snapshot has none."""
    attempt = snapshots.claim(snapshot_id)
    if attempt is not None:
        look_and_settle(snapshot_id, attempt)


def look_and_settle(snapshot_id: object, attempt: int) -> None:
    """Decide a claimed snapshot. Its try is already counted, so one that kills us is not tried for ever."""
    if attempt > snapshots.MOST_TRIES:
        logger.error("a picture stopped its worker too often", extra={"snapshot": str(snapshot_id)})
        decisions.settle(snapshot_id, Evidence(problem=Reason.WORKER_FAILED))
        return
    picture = snapshots.picture_of(snapshot_id)
    if picture is None:
        return  # decided meanwhile: the deadline came first
    snapshot = snapshots.Snapshot.objects.select_related("kiosk__door__site").get(pk=snapshot_id)
    kiosk = snapshot.kiosk
    demanded, rule = kiosk.door.live_by, _rule(kiosk)
    sent = snapshots.burst_of(snapshot_id) if demanded else None
    with sight.eyes() as recognizer:
        passive = demanded == Door.Liveness.PASSIVE
        sighting = recognizer.look(picture, kind=snapshot.kind, faces=rule, liveness=passive)
        sighting = living.judged(recognizer, sighting, sent, demanded=demanded, faces=rule)
        card = recognizer.card
    evidence = evidence_from(sighting, card, site=kiosk.door.site)
    if sent is not None:
        evidence = replace(evidence, facts=evidence.facts | {"burst": _told(sent)})
    decisions.settle(snapshot_id, evidence)


def _told(sent: snapshots.Burst) -> dict[str, object]:
    """What was asked, and how many frames came, for the auditor."""
    asked = sent.asked
    return {"frames": len(sent.shots), "asked": list(asked.colours) or asked.side if asked else None}


def _rule(kiosk: Kiosk) -> Rule:
    return "largest" if kiosk.faces == Kiosk.Faces.LARGEST else "one"


def evidence_from(sighting: Sighting, card: Card, *, site: Site) -> Evidence:
    """The sighting in the words of the door: alive or not, and a problem, a person, a doubt, or nobody.

    Who it is is looked up even where it is not live, so that the auditor sees whose picture was held up.
    """
    evidence = _identity(sighting, card, site=site)
    seen = sighting.liveness
    if seen is None:
        return evidence
    facts = seen.facts()
    return replace(
        evidence, live=facts["live"], judged_by=facts["method"], facts=evidence.facts | {"liveness": facts}
    )


def _identity(sighting: Sighting, card: Card, *, site: Site) -> Evidence:
    facts: dict[str, object] = {
        "model": sighting.model,
        "faces": len(sighting.faces),
        "quality": sighting.quality.numbers() if sighting.quality else {},
        "limits": vars(LIMITS["door"]) if sighting.quality else {},
        "milliseconds": {stage: round(value, 1) for stage, value in sighting.milliseconds.items()},
    }
    if sighting.problem is not None:
        return Evidence(problem=Reason(sighting.problem.value), facts=facts)
    if sighting.vector is None or not np.isfinite(sighting.vector).all():
        return Evidence(problem=Reason.UNREADABLE, facts=facts)

    search = nearest(sighting, site=site.pk)
    facts["gallery"] = search.size
    if not search.neighbours:
        return Evidence(facts=facts)
    try:
        calibration, threshold = _needed(card, faceprints=search.size, site=site)
    except Uncalibrated:
        return Evidence(problem=Reason.UNCALIBRATED, facts=facts)
    facts |= {
        "rate": site.wanted_rate,
        "threshold": round(threshold, 4),
        "margin": calibration.margin,
        "score": round(search.neighbours[0].score, 4),
        "nearest": [(near.person, round(near.score, 4)) for near in search.neighbours],
    }
    verdict = decide(
        [Neighbour(near.person, near.score) for near in search.neighbours],
        threshold=threshold,
        margin=calibration.margin,
    )
    match verdict:
        case Match(person=person, lead=lead):
            return Evidence(
                person=person, facts=facts | {"lead": None if math.isinf(lead) else round(lead, 4)}
            )
        case Ambiguous(people=people, lead=lead):
            return Evidence(
                problem=Reason.AMBIGUOUS,
                people=tuple(people),
                facts=facts | {"lead": round(lead, 4), "people": list(people)},
            )
    return Evidence(facts=facts)


def _needed(card: Card, *, faceprints: int, site: Site) -> tuple[Calibration, float]:
    """The model's calibration and the score a match needs at this site. Raises Uncalibrated."""
    if card.calibration is None:
        raise Uncalibrated
    points = card.calibration.points
    return card.calibration, threshold_for(points, gallery_size=faceprints, fpir=site.wanted_rate)


def publish_risks(card: Card) -> None:
    """Write down for the website what the wanted rates come to with this model and the present galleries."""
    for site in health.without_risk(card.id):
        faceprints = gallery.size_at(site.pk, model=card.id)
        threshold, extrapolated = None, False
        if faceprints:
            try:
                calibration, threshold = _needed(card, faceprints=faceprints, site=site)
                lowest = min(rate for rate, _threshold in calibration.points)
                extrapolated = needed_fmr(gallery_size=faceprints, fpir=site.wanted_rate) < lowest
            except Uncalibrated:
                pass  # the page says so
        health.note_risk(
            site, model=card.id, faceprints=faceprints, threshold=threshold, extrapolated=extrapolated
        )


def nearest(sighting: Sighting, *, site: int) -> gallery.Search:
    """The site's people nearest to the face. If the key was rotated between two queries, asks once more."""
    if sighting.vector is None:
        raise ValueError("A sighting without a vector resembles nobody.")
    for _attempt in range(2):
        key, secret = gallery.current_turn()
        found = gallery.nearest(
            turning.turn(sighting.vector, secret), model=sighting.model, turn=key, site=site
        )
        if found.neighbours or gallery.current_turn()[0] == key:
            break
    return found
