"""Telling people apart by who is who: what the papers train with, here after distillation.

Triplet loss with online semi-hard mining (Fast-FaceNet, after FaceNet, arXiv 1503.03832) and additive angular
margin (MobileFaceNet, after ArcFace, arXiv 1801.07698). Promise: losses take numbers of persons and nothing
else about them.
"""

from __future__ import annotations

from math import cos, pi, sin

import torch
from torch import Tensor, nn
from torch.nn import functional

GAP = 0.2  # FaceNet's alpha, of squared distances between unit vectors


def triplet_loss(vectors: Tensor, who: Tensor, *, gap: float = GAP) -> Tensor:
    """Mean of max(0, d(a, p) - d(a, n) + gap) over all pairs (a, p) of one person in the batch, d squared.

    n is mined in the batch, semi-hard: the nearest stranger who is farther from a than p is, yet by less than
    `gap`; where there is none, the nearest stranger farther than p, whose loss is 0; failing that too the
    farthest stranger of all, so that a few broken pictures do not pull everything into one point.
    """
    unit = functional.normalize(vectors.float())
    distance = 2 - 2 * unit @ unit.T
    same = who[:, None] == who[None]
    anchors, positives = torch.nonzero(same & ~torch.eye(len(who), dtype=torch.bool, device=who.device)).T
    if len(anchors) == 0:
        raise ValueError("a batch for triplets needs two views of somebody")
    near = distance[anchors, positives]
    strangers = distance[anchors].masked_fill(same[anchors], torch.inf)
    semi = strangers.masked_fill(strangers <= near[:, None], torch.inf).min(1).values
    farthest = distance[anchors].masked_fill(same[anchors], -torch.inf).max(1).values
    far = torch.where(semi.isfinite(), semi, farthest)
    kept = far.isfinite()
    if not kept.any():
        raise ValueError("a batch for triplets needs two people")
    return functional.relu(near - far + gap)[kept].mean()


class AngularMargin(nn.Module):
    """A network, and a centre for each person: cross-entropy of scale * cos, the own angle widened.

    `centres` is (people, dim), best the means of what the network answers already, so that the first steps do
    not undo it.
    """

    def __init__(self, network: nn.Module, centres: Tensor, *, margin: float, scale: float) -> None:
        super().__init__()
        self.network, self.margin, self.scale = network, margin, scale
        self.centres = nn.Parameter(functional.normalize(centres))

    def forward(self, pixels: Tensor, who: Tensor) -> Tensor:
        return self.loss(self.network(pixels), who)

    def loss(self, vectors: Tensor, who: Tensor) -> Tensor:
        """The mean loss of `(N, dim)` vectors of any length."""
        with torch.autocast(vectors.device.type, enabled=False):
            cosine = functional.normalize(vectors.float()) @ functional.normalize(self.centres).T
            own = cosine.gather(1, who[:, None]).clamp(-1 + 1e-6, 1 - 1e-6)
            wider = own * cos(self.margin) - (1 - own.square()).sqrt() * sin(self.margin)
            # Past pi the cosine would rise again; there ArcFace takes a line that goes on falling.
            falling = own - self.margin * sin(self.margin)
            wider = torch.where(own > cos(pi - self.margin), wider, falling)
            return functional.cross_entropy(self.scale * cosine.scatter(1, who[:, None], wider), who)
