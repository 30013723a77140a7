"""The closed list of reasons why a door did or did not open, and what the kiosk says to each."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a door did or did not open. Strings are part of the API and never change."""

    OK = "ok"
    # The moment
    STALE = "stale"
    CLOCK_UNTRUSTED = "clock_untrusted"
    DEADLINE = "deadline"
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
    # The person
    SUSPENDED = "suspended"
    NOT_CONSENTED = "not_consented"
    NO_PERMISSION = "no_permission"
    # Ourselves
    UNCALIBRATED = "uncalibrated"
    WORKER_FAILED = "worker_failed"


# Problems that say something about a face wait until the moment is judged, and whether the face is live.
OF_THE_FACE = (Reason.AMBIGUOUS, Reason.UNCALIBRATED)
# What the kiosk says. Guidance where the person can do something; silence about whom we know.
MESSAGES = {
    Reason.OK: "Welcome.",
    Reason.STALE: "That picture is too old. Please try again.",
    Reason.CLOCK_UNTRUSTED: "This kiosk's clock is wrong. Please tell the office.",
    Reason.DEADLINE: "That took too long. Please try again.",
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
    Reason.SUSPENDED: "This door does not open for you. Please ask the office.",
    Reason.NOT_CONSENTED: "This door does not open for you. Please ask the office.",
    Reason.NO_PERMISSION: "This door does not open for you.",
    Reason.UNCALIBRATED: "Recognition is not set up here yet. Please tell the office.",
    Reason.WORKER_FAILED: "The picture could not be examined. Please try again.",
}
