"""Why a photograph was refused, and what to do about it: a closed list."""

from enum import StrEnum

from django.utils.translation import gettext_lazy as _


class Fate(StrEnum):
    """Why a photograph was refused. The picture's own reasons carry the same names as policy.Reason."""

    UNREADABLE = "unreadable"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_SMALL = "too_small"
    CUT_OFF = "cut_off"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    DISAGREES = "disagrees"
    WORKER_FAILED = "worker_failed"


ADVICE = {
    Fate.UNREADABLE: _("This file could not be read as a picture. Save it again as JPEG and try once more."),
    Fate.NO_FACE: _("No face was found. Use a photograph that shows the face from the front."),
    Fate.SEVERAL_FACES: _("Several faces were found. Cut the picture so that only this person is in it."),
    Fate.TOO_SMALL: _("The face is too small. Come closer, or use a larger photograph."),
    Fate.CUT_OFF: _("The face is cut off by the edge. Leave some room around the head."),
    Fate.BLURRED: _("The face is blurred. Hold the camera still and focus on the face."),
    Fate.TOO_DARK: _("The face is too dark. Turn towards a window or a lamp."),
    Fate.TOO_BRIGHT: _("The face is too bright. Avoid flash and direct sun."),
    Fate.TURNED_AWAY: _("The face is turned away. Look straight into the camera."),
    Fate.DISAGREES: _("This face does not resemble the others of this person. Is it somebody else?"),
    Fate.WORKER_FAILED: _("This file stopped the recognition three times. Please hand in another one."),
}
