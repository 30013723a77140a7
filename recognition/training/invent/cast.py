"""Who the invented people are: names, departments, and how hair, clothes and light are chosen for them.

Promise: all of it is made up. A name goes with a group of looks so that the demo reads naturally; it says
nothing about anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recognition.training.invent.scene import Colour, Look, Shot

DEPARTMENTS = ("Workshop", "Warehouse", "Office", "Laboratory", "Reception")

# By the face model's group: 0 to 4 men, 5 to 9 women; each of another descent, as its data set guesses it.
NAMES: dict[int, tuple[str, ...]] = {
    0: ("Tobias Ahlgren", "Henrik Dalmose", "Marek Vondra", "Callum Breck", "Luca Fiorani", "Andrei Popa"),
    1: ("Kwame Adjei-Bonn", "Desmond Tally", "Joseph Kiplimo", "Emeka Udoka"),
    2: ("Kenji Morimura", "Wei Lianfang", "Minh Tran Duc", "Joon Baekhan"),
    3: ("Rohan Desikar", "Arjun Velapure", "Imran Qadeer", "Sanjit Boral"),
    4: ("Mateo Quirarte", "Karim Benslama"),
    5: (
        "Ingrid Solvang",
        "Clara Wennemer",
        "Zofia Maliszek",
        "Maeve Corrigan",
        "Elena Bratu",
        "Julie Carpentras",
    ),
    6: ("Ama Sarkodee", "Thandi Mokwele", "Denise Harlow", "Grace Wanjala"),
    7: ("Yuki Tanemura", "Lin Meiqiao", "Hana Seong-Ri", "Mai Phuong Lam"),
    8: ("Priya Narvekar", "Anjali Sukhdeo", "Farah Zamindar", "Meera Thottam"),
    9: ("Lucia Barrenada", "Nadia Hamrouche"),
}
HAIR: tuple[tuple[Colour, ...], ...] = (
    ((72, 50, 36), (112, 82, 54), (44, 34, 28), (138, 136, 134), (88, 58, 36), (58, 44, 36)),
    ((30, 26, 25), (40, 34, 32)),
    ((28, 25, 26), (36, 31, 30)),
    ((32, 27, 26), (52, 46, 44)),
    ((46, 35, 29), (34, 28, 26)),
)
CLOTHES: tuple[Colour, ...] = (
    (44, 58, 84), (92, 96, 104), (118, 62, 60), (60, 88, 78), (206, 204, 198), (42, 44, 50),
    (146, 128, 104), (98, 120, 148), (84, 66, 92), (70, 78, 52),
)  # fmt: skip
COLLARS = ("crew", "vee", "shirt")
WALLS: tuple[Colour, ...] = (
    (198, 194, 186), (156, 166, 174), (204, 204, 202), (172, 162, 150), (142, 150, 146), (184, 176, 160),
)  # fmt: skip


@dataclass(frozen=True)
class Pose:
    """One of the eight photographs: amounts of the face model's attributes, and what the scene adds."""

    what: str
    yaw: float = 0.0
    pitch: float = 0.0
    smile: float = 0.0
    teeth: float = -0.8
    side_light: float = 0.0
    top_light: float = 0.0
    exposure: float = 1.0
    warmth: float = 0.0
    eyes: float = 76.0


# The first four are for enrolment, the others are passages.
POSES = (
    Pose("straight", smile=-0.5),
    Pose("to the left", yaw=-1.4, smile=-0.3),
    Pose("to the right", yaw=1.4, smile=-0.8),
    Pose("smiling", smile=1.1, teeth=0.9, top_light=0.3),
    Pose("evening light", yaw=0.8, smile=-0.3, side_light=1.8, warmth=1.4, exposure=0.86),
    Pose(
        "window light", yaw=-0.8, smile=0.3, teeth=0.2, side_light=-1.8, warmth=-0.9, exposure=1.05, eyes=70
    ),
    Pose("further away", pitch=1.0, yaw=1.3, smile=0.5, teeth=0.4, exposure=0.92, eyes=60),
    Pose("close, head bent", pitch=-1.1, yaw=-1.5, top_light=1.2, warmth=0.4, eyes=84),
)


def people(count: int) -> list[tuple[str, str, int]]:
    """Badge, name and group of the first `count` of the cast, groups in turn."""
    groups = [group for turn in range(6) for group in NAMES if turn < len(NAMES[group])]
    turns = {group: iter(NAMES[group]) for group in NAMES}
    return [
        (f"DEMO-{number:02}", next(turns[group]), group) for number, group in enumerate(groups[:count], 1)
    ]


def look(random: np.random.Generator, group: int) -> Look:
    woman, descent = group >= 5, group % 5
    colours = HAIR[descent]
    curly = 0.9 if descent == 1 else random.uniform(0.0, 0.45)
    long = random.uniform(1.3, 3.0)
    return Look(
        hair=colours[random.integers(len(colours))],
        length=long if woman and random.random() < 0.85 else 0.1,
        volume=random.uniform(0.10, 0.24) if woman else random.uniform(0.02, 0.16),
        hairline=random.uniform(0.96, 1.10) if woman else random.uniform(0.94, 1.14),
        parting=random.uniform(-0.6, 0.6),
        curl=curly,
        neck=random.uniform(0.70, 0.78) if woman else random.uniform(0.84, 0.94),
        seed=int(random.integers(2**31)),
    )


def shot(random: np.random.Generator, pose: Pose, clothes: Colour, collar: str) -> Shot:
    eyes = pose.eyes * random.uniform(0.95, 1.05)
    return Shot(
        eyes=eyes,
        x=320 + random.uniform(-45, 45),
        y=200 + random.uniform(-16, 16),
        tilt=random.normal() * 2.5,
        turn=pose.yaw,
        side_light=pose.side_light,
        exposure=pose.exposure * random.uniform(0.95, 1.05),
        warmth=pose.warmth + random.normal() * 0.2,
        blur=random.uniform(0.4, 0.8),
        clothes=clothes,
        collar=collar,
        wall=WALLS[random.integers(len(WALLS))],
        seed=int(random.integers(2**31)),
    )
