"""The closed list of reasons why a door did or did not open, and what the kiosk says to each."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a door did or did not open. Strings are part of the API and never change."""

    OK = "ok"
    FREE_PASSAGE = "free_passage"
    DURESS = "duress"
    # The moment
    STALE = "stale"
    CLOCK_UNTRUSTED = "clock_untrusted"
    DEADLINE = "deadline"
    # The place
    NOT_IN_USE = "not_in_use"
    LOCKED_DOWN = "locked_down"
    NOTED = "noted"
    # The picture
    UNREADABLE = "unreadable"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_SMALL = "too_small"
    CUT_OFF = "cut_off"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    # A face, or a picture of one
    SPOOF_SUSPECTED = "spoof_suspected"
    LIVENESS_UNJUDGED = "liveness_unjudged"
    # The face
    UNKNOWN_FACE = "unknown_face"
    AMBIGUOUS = "ambiguous"
    # What else was shown
    SECOND_FACTOR_NEEDED = "second_factor_needed"
    CREDENTIAL_REFUSED = "credential_refused"
    CARD_NOT_VALID = "card_not_valid"
    WRONG_PIN = "wrong_pin"
    FACTORS_DISAGREE = "factors_disagree"
    TOO_MANY_TRIES = "too_many_tries"
    FACE_NEEDED = "face_needed"
    # The person
    SUSPENDED = "suspended"
    NOT_VALID_NOW = "not_valid_now"
    NOT_CONSENTED = "not_consented"
    NO_PERMISSION = "no_permission"
    OUTSIDE_HOURS = "outside_hours"
    # The passage
    PASSBACK = "passback"
    ZONE_FULL = "zone_full"
    INTERLOCK = "interlock"
    SECOND_PERSON_NEEDED = "second_person_needed"
    # Without the network, by the kiosk alone (offline.py)
    OFFLINE_DENIED = "offline_denied"
    BUNDLE_EXPIRED = "bundle_expired"
    # Ourselves
    UNCALIBRATED = "uncalibrated"
    WORKER_FAILED = "worker_failed"


# Problems that say something about a face wait until the moment is judged, and whether the face is live.
OF_THE_FACE = (Reason.AMBIGUOUS, Reason.UNCALIBRATED)
# What stays inside: whoever tries cards and numbers learns neither which exist nor what was wrong, and
# whoever forces somebody to a door learns nothing of the alarm.
OUTWARD = {
    Reason.CARD_NOT_VALID: Reason.CREDENTIAL_REFUSED,
    Reason.WRONG_PIN: Reason.CREDENTIAL_REFUSED,
    Reason.FACTORS_DISAGREE: Reason.CREDENTIAL_REFUSED,
    Reason.DURESS: Reason.OK,
}
# Refusals that somebody without a right to pass may cause. Three in a row at one kiosk raise an alarm.
SUSPICIOUS = (
    Reason.SPOOF_SUSPECTED,
    Reason.LIVENESS_UNJUDGED,
    Reason.UNKNOWN_FACE,
    Reason.CREDENTIAL_REFUSED,
    Reason.CARD_NOT_VALID,
    Reason.WRONG_PIN,
    Reason.FACTORS_DISAGREE,
    Reason.TOO_MANY_TRIES,
    Reason.SUSPENDED,
    Reason.NOT_VALID_NOW,
    Reason.NO_PERMISSION,
    Reason.OUTSIDE_HOURS,
    Reason.PASSBACK,
)
# What the kiosk says. Guidance where the person can do something; silence about whom we know.
MESSAGES = {
    Reason.OK: "Welcome.",
    Reason.FREE_PASSAGE: "Please come in.",
    Reason.DURESS: "Welcome.",
    Reason.STALE: "That picture is too old. Please try again.",
    Reason.CLOCK_UNTRUSTED: "This kiosk's clock is wrong. Please tell the office.",
    Reason.DEADLINE: "That took too long. Please try again.",
    Reason.NOT_IN_USE: "This kiosk is not in use.",
    Reason.LOCKED_DOWN: "This door is locked down.",
    Reason.NOTED: "Thank you. That is noted.",
    Reason.UNREADABLE: "The picture could not be read. Please try again.",
    Reason.NO_FACE: "Please look into the camera.",
    Reason.SEVERAL_FACES: "One person at a time, please.",
    Reason.TOO_SMALL: "Please come closer.",
    Reason.CUT_OFF: "Please stand in the middle of the picture.",
    Reason.BLURRED: "Please hold still.",
    Reason.TOO_DARK: "It is too dark to see you.",
    Reason.TOO_BRIGHT: "It is too bright to see you.",
    Reason.TURNED_AWAY: "Please look straight into the camera.",
    # The same words as for a stranger: whoever holds up a picture learns neither whose it is nor what gave
    # it away.
    Reason.SPOOF_SUSPECTED: "You were not recognised.",
    Reason.LIVENESS_UNJUDGED: "You were not recognised.",
    Reason.UNKNOWN_FACE: "You were not recognised.",
    Reason.AMBIGUOUS: "You were not recognised for certain. Please use another way in.",
    Reason.SECOND_FACTOR_NEEDED: "One more step, please.",
    # The same words for everything that can be wrong with a card, a badge number or a PIN.
    Reason.CREDENTIAL_REFUSED: "That was not accepted.",
    Reason.CARD_NOT_VALID: "That was not accepted.",
    Reason.WRONG_PIN: "That was not accepted.",
    Reason.FACTORS_DISAGREE: "That was not accepted.",
    Reason.TOO_MANY_TRIES: "Too many tries. Please wait a little.",
    Reason.FACE_NEEDED: "This door needs your face. Please look into the camera.",
    Reason.SUSPENDED: "This door does not open for you. Please ask the office.",
    Reason.NOT_VALID_NOW: "This door does not open for you. Please ask the office.",
    Reason.NOT_CONSENTED: "This door does not open for you. Please ask the office.",
    Reason.NO_PERMISSION: "This door does not open for you.",
    Reason.OUTSIDE_HOURS: "This door does not open for you at this hour.",
    Reason.PASSBACK: "You are already inside. Please ask the office.",
    Reason.ZONE_FULL: "It is full inside. Please wait until somebody leaves.",
    Reason.INTERLOCK: "The other door is open. Please wait until it is closed.",
    Reason.SECOND_PERSON_NEEDED: "Thank you. Now the second person, please.",
    Reason.OFFLINE_DENIED: "Without the network this door stays shut.",
    Reason.BUNDLE_EXPIRED: "Too long without the network: this door stays shut.",
    Reason.UNCALIBRATED: "Recognition is not set up here yet. Please tell the office.",
    Reason.WORKER_FAILED: "The picture could not be examined. Please try again.",
}


def outward(reason: Reason) -> Reason:
    """The reason as a kiosk is told it."""
    return OUTWARD.get(reason, reason)
