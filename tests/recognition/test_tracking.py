import numpy as np
import pytest

from recognition.faces import Face
from recognition.tracking import KEPT, Likeness, Seen, Tracker, shared

LIKENESS = Likeness(same=0.5, apart=0.2)
ANNA, BEA = np.eye(8, dtype=np.float32)[:2]


def seen(vector, x=0.0, *, worth=1.0):
    return Seen(Face((x, 0.0, x + 100.0, 100.0), np.zeros((5, 2), np.float32), 0.9), vector, worth)


def between(share):
    """A unit vector with this cosine to ANNA."""
    return np.array([share, 0, np.sqrt(1 - share**2), 0, 0, 0, 0, 0], np.float32)


def followed(tracker, *frames):
    return [[track.number for track in tracker.follow(frame, faces)] for frame, faces in frames]


def test_two_people_who_pass_each_other_keep_their_tracks():
    tracker = Tracker(LIKENESS, patience=5)
    frames = [(f, [seen(ANNA, 20.0 * f), seen(BEA, 200.0 - 20.0 * f)]) for f in range(11)]
    assert followed(tracker, *frames) == [[1, 2]] * 11


def test_somebody_else_in_the_same_place_is_another_track():
    assert followed(Tracker(LIKENESS, patience=5), (0, [seen(ANNA)]), (1, [seen(BEA)])) == [[1], [2]]


def test_a_doubtful_likeness_needs_the_same_place():
    for x, expected in ((10.0, [[1], [1]]), (300.0, [[1], [2]])):
        frames = [(0, [seen(ANNA)]), (1, [seen(between(0.3), x)])]
        assert followed(Tracker(LIKENESS, patience=5), *frames) == expected


def test_a_person_who_leaps_across_the_picture_is_known_by_the_face():
    assert followed(Tracker(LIKENESS, patience=5), (0, [seen(ANNA)]), (1, [seen(ANNA, 400.0)])) == [[1], [1]]


def test_a_track_ends_when_patience_does():
    tracker = Tracker(LIKENESS, patience=3)
    frames = [(0, [seen(ANNA)]), (3, [seen(ANNA)]), (7, [seen(ANNA)])]
    assert followed(tracker, *frames) == [[1], [1], [2]]


def test_two_faces_of_one_frame_never_share_a_track():
    tracker = Tracker(LIKENESS, patience=5)
    assert followed(tracker, (0, [seen(ANNA)]), (1, [seen(ANNA), seen(ANNA, 10.0)])) == [[1], [1, 2]]


def test_a_track_is_named_by_the_mean_of_its_best_vectors():
    tracker = Tracker(LIKENESS, patience=5)
    worths = [0.1, 0.9, 0.0, 0.8, 0.7, 0.6, 0.5, 0.2]
    vectors = [between(0.7 + 0.04 * index) for index in range(len(worths))]
    for frame, (vector, worth) in enumerate(zip(vectors, worths, strict=True)):
        (track,) = tracker.follow(frame, [seen(vector, worth=worth)])
    assert [each.worth for each in track.best] == [0.9, 0.8, 0.7, 0.6, 0.5][:KEPT]
    mean = np.mean([vectors[index] for index in (1, 3, 4, 5, 6)], axis=0)
    assert track.vector() == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    assert track.length == len(worths)


def test_a_track_that_no_gate_let_through_has_no_vector():
    (track,) = Tracker(LIKENESS, patience=5).follow(0, [seen(ANNA, worth=0.0)])
    assert track.vector() is None


@pytest.mark.parametrize(
    ("other", "expected"),
    [((0, 0, 10, 10), 1.0), ((5, 0, 15, 10), 1 / 3), ((10, 0, 20, 10), 0.0), ((20, 20, 30, 30), 0.0)],
)
def test_shared_area_is_intersection_over_union(other, expected):
    assert shared((0, 0, 10, 10), other) == pytest.approx(expected)
