import numpy as np

from recognition.faces import Face, suppress

FACE = Face((10, 20, 50, 80), np.array([[20, 40], [40, 40], [30, 50], [22, 65], [38, 65]], np.float32), 0.9)


def test_suppression_keeps_the_best_of_each_heap():
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60], [0, 0, 10, 9]], np.float32)
    assert suppress(boxes, np.array([0.7, 0.9, 0.8, 0.6], np.float32), overlap=0.3).tolist() == [1, 2]


def test_suppression_by_the_smaller_area_removes_a_box_inside_another():
    boxes = np.array([[0, 0, 100, 100], [40, 40, 50, 50]], np.float32)
    scores = np.array([0.9, 0.8], np.float32)
    assert suppress(boxes, scores, overlap=0.7).tolist() == [0, 1]
    assert suppress(boxes, scores, overlap=0.7, by_smaller=True).tolist() == [0]


def test_suppression_of_nothing_is_nothing():
    assert suppress(np.empty((0, 4), np.float32), np.empty(0, np.float32), overlap=0.5).size == 0


def test_a_face_knows_its_measures():
    assert (FACE.width, FACE.height, FACE.area, FACE.eye_distance) == (40, 60, 2400, 20.0)


def test_a_moved_face_lies_where_its_picture_was_moved():
    moved = FACE.moved(scale=2, dx=5, dy=-3)
    assert moved.box == (25, 37, 105, 157)
    assert moved.landmarks.tolist() == (FACE.landmarks * 2 + [5, -3]).tolist()
    assert moved.score == FACE.score


def test_landmarks_do_not_appear_in_what_is_logged():
    assert "landmarks" not in repr(FACE)
