"""The reasons of the doors as staff read them; what a kiosk says is policy.MESSAGES."""

from django.utils.translation import gettext_lazy as _

from access.policy import Reason

REASONS = {
    Reason.OK: _("One person, known for certain, whom this door admits."),
    Reason.FREE_PASSAGE: _("The door stands open for everybody."),
    Reason.DURESS: _("Opened for a duress PIN; an alarm was raised."),
    Reason.STALE: _("The picture was older than this door allows."),
    Reason.CLOCK_UNTRUSTED: _("The kiosk's clock ran ahead of ours."),
    Reason.DEADLINE: _("No decision by the deadline."),
    Reason.NOT_IN_USE: _("Neither doors nor attendance are in use at this site."),
    Reason.LOCKED_DOWN: _("The door or its site is locked down."),
    Reason.NOTED: _("No doors are opened here; attendance was noted."),
    Reason.UNREADABLE: _("The file was not a readable picture."),
    Reason.NO_FACE: _("No face in the picture."),
    Reason.SEVERAL_FACES: _("Several faces in the picture."),
    Reason.TOO_SMALL: _("The face was too small."),
    Reason.CUT_OFF: _("The face was cut off by the edge."),
    Reason.BLURRED: _("The face was blurred."),
    Reason.TOO_DARK: _("The face was too dark."),
    Reason.TOO_BRIGHT: _("The face was too bright."),
    Reason.TURNED_AWAY: _("The face was turned away."),
    Reason.SPOOF_SUSPECTED: _("The face was judged, and taken for a picture of a face."),
    Reason.LIVENESS_UNJUDGED: _("The door demands a live face, and this one could not be judged."),
    Reason.UNKNOWN_FACE: _("Nobody found at this site resembles the face enough."),
    Reason.AMBIGUOUS: _("Two people resemble the face too evenly."),
    Reason.SECOND_FACTOR_NEEDED: _("The door asks for more than was shown."),
    Reason.CREDENTIAL_REFUSED: _("Nobody has the card or badge number that was shown."),
    Reason.CARD_NOT_VALID: _("The card is revoked, or not valid on this day."),
    Reason.WRONG_PIN: _("The PIN was wrong, or the person has none."),
    Reason.FACTORS_DISAGREE: _("What was shown does not belong to one person."),
    Reason.TOO_MANY_TRIES: _("Too many wrong PINs; none is looked at for a while."),
    Reason.FACE_NEEDED: _("The person may not pass without a face here."),
    Reason.SUSPENDED: _("The person is suspended."),
    Reason.NOT_VALID_NOW: _("The person may not pass on this day."),
    Reason.NOT_CONSENTED: _("The person has given no consent."),
    Reason.NO_PERMISSION: _("Nothing admits the person at this door."),
    Reason.OUTSIDE_HOURS: _("The door does not open for the person at this hour."),
    Reason.PASSBACK: _("The person is in the zone already."),
    Reason.ZONE_FULL: _("The zone behind the door is full."),
    Reason.INTERLOCK: _("An interlocked door is open, or was just opened."),
    Reason.SECOND_PERSON_NEEDED: _("The first of two people; the door waits for the second."),
    Reason.OFFLINE_DENIED: _("Without the network, this door opens for nobody."),
    Reason.BUNDLE_EXPIRED: _("The kiosk had been without the network for longer than its data count."),
    Reason.UNCALIBRATED: _("The embedding model has no calibration, so nobody may be named."),
    Reason.WORKER_FAILED: _("The picture stopped its worker three times."),
}


def reason_words(reason: str) -> str:
    return str(REASONS.get(reason, reason))
