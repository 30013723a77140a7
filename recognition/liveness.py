"""A face, or a picture of one? What every check answers, and the passive one, from a single picture.

Promise: `live` is never true for what was not judged. No check here is a gate by itself: README.md says how
little each one is worth.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition import weights
from recognition.faces import Face, Pixels


class Why(StrEnum):
    """Why a face is not called live. A closed list: other parts of the system rely on these words."""

    # Not judged:
    NO_MODEL = "no_model"  # no passive model is present
    NO_FACE = "no_face"  # no face, or none that the gates of quality let through
    NO_MARGIN = "no_margin"  # the picture ends too close to the face
    NO_BURST = "no_burst"  # too few frames, or their times do not fit a burst
    STILL = "still"  # too little motion that could be followed to tell a head from a plane
    # Judged, and not live:
    SPOOF = "spoof"  # the passive model takes it for a picture of a face
    ANOTHER_FACE = "another_face"  # not one person in all frames
    JUMPED = "jumped"  # the face moves faster than people do
    FROZEN = "frozen"  # the frames are one picture
    FLAT = "flat"  # all of it moves as one plane
    WRONG_TURN = "wrong_turn"  # the head did not turn as asked
    WRONG_COLOURS = "wrong_colours"  # the face did not take the colours of the screen


class Method(StrEnum):
    """The checks there are: one picture, a few frames, and two that ask something of the person."""

    PASSIVE = "passive"
    BURST = "burst"
    TURN = "turn"
    COLOUR = "colour"


@dataclass(frozen=True)
class Liveness:
    """What one check says of one face. `why` is None exactly where it is live.

    `score` is the check's own number, higher is more alive, None where there is none; scores of two
    methods cannot be compared.
    """

    judged: bool
    live: bool
    method: Method
    score: float | None = None
    why: Why | None = None

    def __post_init__(self) -> None:
        if self.live and not self.judged:
            raise ValueError("what was not judged cannot be live")
        if self.live != (self.why is None):
            raise ValueError("a face is live, or there is a reason why not")

    def facts(self) -> dict[str, str | float | bool | None]:
        """The same in plain values, `live` None where it was not judged."""
        return {
            "method": self.method.value,
            "live": self.live if self.judged else None,
            "score": None if self.score is None else round(self.score, 4),
            "why": None if self.why is None else self.why.value,
        }


def not_judged(why: Why, *, method: Method) -> Liveness:
    return Liveness(judged=False, live=False, method=method, why=why)


def refused(why: Why, *, method: Method, score: float | None = None) -> Liveness:
    return Liveness(judged=True, live=False, method=method, score=score, why=why)


def alive(score: float, *, method: Method) -> Liveness:
    return Liveness(judged=True, live=True, method=method, score=score)


class Passive:
    """The networks of one card, each on its own crop around the face. `card` says which."""

    def __init__(self, card: weights.Card, sessions: tuple[weights.Session, ...]) -> None:
        if card.judgement is None or len(card.judgement.scales) != len(sessions):
            raise weights.ModelError(f"{card.id}: its card gives no scale for each of its files")
        self.card = card
        self._judgement = card.judgement
        self._sessions = sessions

    def judge(self, rgb: Pixels, face: Face) -> Liveness:
        """Is `face` in (H, W, 3) uint8 RGB live? The score is the mean probability that it is, 0 to 1.

        Not judged where the widest crop does not fit into the picture: see `margin_crop`.
        """
        crops = [margin_crop(rgb, face, scale) for scale in self._judgement.scales]
        scores = []
        for session, crop in zip(self._sessions, crops, strict=True):
            if crop is None:
                return not_judged(Why.NO_MARGIN, method=Method.PASSIVE)
            scores.append(self._probability(session, crop))
        score = float(np.mean(scores))
        if score >= self._judgement.threshold:
            return alive(score, method=Method.PASSIVE)
        return refused(Why.SPOOF, method=Method.PASSIVE, score=score)

    def warm(self) -> None:
        side = self.card.input.width
        for session in self._sessions:
            self._probability(session, np.full((side, side, 3), 127, np.uint8))

    def _probability(self, session: weights.Session, crop: Pixels) -> float:
        expects = self.card.input
        # Plain bilinear, which skips pixels where it shrinks: the makers' way, and the networks have learnt
        # to read the patterns that it makes of a screen.
        small = cv2.resize(crop, (expects.width, expects.height), interpolation=cv2.INTER_LINEAR)
        ordered = small[..., ::-1] if expects.channels == "BGR" else small
        values = np.ascontiguousarray(ordered.transpose(2, 0, 1)[None], dtype=np.float32)
        logits = next(iter(session(values).values())).reshape(-1)
        if not (np.isfinite(logits).all() and logits.size > self._judgement.live):
            raise weights.ModelError(f"{self.card.id} gave no usable numbers")
        return float(_softmax(logits)[self._judgement.live])


def margin_crop(rgb: Pixels, face: Face, scale: float) -> Pixels | None:
    """The box of `face` enlarged `scale` times about its middle, in the picture's own pixels; None where the
    picture has no room for it.

    Where it reaches beyond an edge it is shifted back inside, as the makers do (Silent-Face-Anti-Spoofing,
    generate_patches), because their networks saw such crops in training. They also shrink a crop that is
    larger than the picture; here that is not done: a tight crop hides the frame of a print and the rim of a
    telephone, which is what an attacker would send.
    """
    height, width = rgb.shape[:2]
    wide, high = face.width * scale, face.height * scale
    # "Not both fit" rather than "one is too large": a box that is not a number must not be judged.
    if not (1 <= wide <= width and 1 <= high <= height):
        return None
    x1, y1, x2, y2 = face.box
    left = min(max((x1 + x2 - wide) / 2, 0.0), width - wide)
    top = min(max((y1 + y2 - high) / 2, 0.0), height - high)
    return rgb[int(top) : int(top + high), int(left) : int(left + wide)]


def load(models_dir: Path | None = None) -> Passive | None:
    """The best passive model present, or None. Raises `weights.ModelError` for a file its card disowns."""
    present = [card for card in weights.cards() if card.task == "liveness" and card.paths(models_dir)]
    if not present:
        return None
    card = max(present, key=lambda entry: (entry.rank, entry.id))
    return Passive(card, weights.open_sessions(card, models_dir))


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    raised = np.exp(logits.astype(np.float64) - float(logits.max()))
    shares: NDArray[np.float64] = raised / raised.sum()
    return shares
