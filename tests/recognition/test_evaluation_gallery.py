import numpy as np
import pytest

from recognition import evaluation
from recognition.evaluation import curves, gallery, trials
from recognition.evaluation.photographs import merged
from recognition.matching import Match, Neighbour, decide
from tests.recognition.test_evaluation import people

POINTS = [(0.1, 0.3), (0.01, 0.5)]


def planned(*sizes, **others):
    return trials.Plan(sizes, **{"draws": 6, "resamples": 200, **others})


def test_people_who_look_like_nobody_else_are_all_found_and_strangers_never():
    rows, names = people(60, 3, spread=0.01, dimension=64)
    found = np.ones(len(rows), bool)
    searched = trials.Trials(rows, found, names, size=20, plan=planned(20))
    point = searched.at(0.8)
    assert (point.fpir.errors, point.fnir.errors) == (0, 0)
    assert searched.rank_1().rate == 1.0
    assert (searched.mated, searched.strangers) == (6 * 20 * 2, 6 * 40 * 3)
    # Nothing was seen to go wrong, with the 40 or 60 people there were: the upper ends say so.
    assert 0.0 < point.fpir.high < 0.15
    assert 0.0 < point.fnir.high < 0.15


def test_every_search_agrees_with_the_decision_at_the_door():
    rows, names = people(30, 4, spread=0.2, dimension=8, seed=9)
    found = np.ones(len(rows), bool)
    searched = trials.Trials(rows, found, names, size=12, plan=planned(12, enrol=2, draws=1))
    (one,) = searched.searches
    owner = np.unique(names, return_inverse=True)[1]
    # The same gallery again, face by face, with the function that decides at the door.
    chance = np.random.default_rng((1, 12))
    enrolled = chance.choice(np.arange(30), 12, replace=False)
    order = chance.permutation(len(rows))
    prints = {p: order[owner[order] == p][:2] for p in enrolled}
    probes = [i for i in order if owner[i] not in prints]
    probes += [i for p in enrolled for i in order[owner[order] == p][2:]]
    wrong = missed = 0
    for probe in probes:
        near = [Neighbour(p, float(rows[i] @ rows[probe])) for p, mine in prints.items() for i in mine]
        verdict = decide(near, threshold=0.6, margin=0.1)
        named = verdict.person if isinstance(verdict, Match) else None
        stranger = owner[probe] not in prints
        wrong += stranger and named is not None
        missed += not stranger and named != owner[probe]
    point = searched.at(0.6, margin=0.1)
    assert (point.fpir.errors, point.fnir.errors) == (wrong, missed)
    assert wrong
    assert missed
    assert len(one.owner) == len(probes) == 18 * 4 + 12 * 2


def test_more_people_in_the_gallery_mean_more_strangers_named():
    rows, names = people(200, 2, spread=0.3, dimension=16)
    results = gallery.search(rows, np.ones(len(rows), bool), names, planned(10, 50, 150), wanted=(0.1,))
    at_half = [min(result.curve, key=lambda at: abs(at.threshold - 0.6)).fpir for result in results]
    assert at_half[0].rate < at_half[1].rate < at_half[2].rate
    assert all(share.low < share.rate < share.high for share in at_half)


def test_rates_move_against_each_other_along_the_curve():
    rows, names = people(100, 3, spread=0.3, dimension=16)
    (result,) = gallery.search(rows, np.ones(len(rows), bool), names, planned(40), wanted=(0.1,))
    thresholds = [at.threshold for at in result.curve]
    assert thresholds == sorted(thresholds)
    for one, other in zip(result.curve, result.curve[1:], strict=False):
        assert other.fpir.rate <= one.fpir.rate
        assert other.fnir.rate >= one.fnir.rate
    assert (result.curve[-1].fpir.rate, result.curve[-1].fnir.rate) == (0.0, 1.0)


def test_independent_impostors_reach_the_rate_that_the_formula_says():
    # Many dimensions and no likeness: comparisons are as good as independent.
    rows, names = people(400, 2, spread=0.1, dimension=64, seed=21)
    calibration = evaluation.calibrate(rows, names, failed=0)
    points = [(rate, threshold) for rate, threshold, _ in calibration.points]
    plan = planned(50, draws=10)
    (result,) = gallery.search(rows, np.ones(len(rows), bool), names, plan, wanted=(0.05,), points=points)
    (operating,) = result.operating
    assert operating.card is not None
    assert operating.card.fpir.low <= 0.05 <= operating.card.fpir.high
    assert operating.measured.fpir.rate <= 0.05
    assert operating.measured.fpir.rate == pytest.approx(0.05, abs=0.002)
    assert operating.measured.threshold == pytest.approx(operating.card.threshold, abs=0.03)


def test_a_margin_names_fewer_and_never_more():
    rows, names = people(100, 3, spread=0.25, dimension=8)
    searched = trials.Trials(rows, np.ones(len(rows), bool), names, size=40, plan=planned(40))
    plain, careful = searched.at(0.6), searched.at(0.6, margin=0.1)
    assert careful.fpir.errors < plain.fpir.errors
    assert careful.fnir.errors > plain.fnir.errors


def test_a_probe_without_a_face_is_a_person_not_found_and_never_a_stranger_named():
    rows, names = people(20, 3, spread=0.01, dimension=64)
    found = np.ones(len(rows), bool)
    found[2::3] = False  # everybody's third photograph
    rows[2::3] = 0.0
    searched = trials.Trials(rows, found, names, size=10, plan=planned(10, enrol=2))
    point = searched.at(-0.99)
    assert (point.fnir.rate, searched.rank_1().rate) == (1.0, 0.0)
    # Two of three photographs of each stranger show a face, and at this threshold everybody matches.
    assert point.fpir.rate == pytest.approx(2 / 3)


def test_photographs_without_a_face_are_not_enrolled():
    rows, names = people(20, 2, spread=0.01)
    found = np.ones(len(rows), bool)
    found[:2] = False
    owner = np.unique(names, return_inverse=True)[1]
    assert len(trials.eligible_people(found, owner, planned(5))) == 19
    assert len(trials.eligible_people(found, owner, planned(5, enrol=2, probes=1))) == 0


@pytest.mark.parametrize("size", [0, 21])
def test_a_gallery_needs_people_with_photographs(size):
    rows, names = people(20, 2, spread=0.01)
    with pytest.raises(ValueError, match="20 of 20 have"):
        trials.Trials(rows, np.ones(len(rows), bool), names, size=size, plan=planned(size))


def test_where_everybody_is_enrolled_only_the_first_place_is_measured():
    rows, names = people(20, 3, spread=0.01, dimension=64)
    (result,) = gallery.search(
        rows, np.ones(len(rows), bool), names, planned(20), wanted=(0.1,), points=POINTS
    )
    assert (result.strangers, result.rank_1.rate, result.operating, result.curve) == (0, 1.0, (), ())
    with pytest.raises(curves.NoCurve):
        gallery.diagram([result], title="")


def test_numbers_and_sentences_hold_counts_beside_every_rate():
    rows, names = people(40, 3, spread=0.25, dimension=8)
    plan = planned(10)
    (result,) = gallery.search(
        rows,
        np.ones(len(rows), bool),
        names,
        plan,
        wanted=(0.1,),
        points=POINTS,
        margin=0.1,
    )
    told = gallery.numbers(result)
    point = told["operating"][0]["by_card"]
    assert set(point["fpir"]) == {"rate", "interval", "errors", "tries", "people"}
    assert len(told["curve"]) == trials.STEPS
    words = "\n".join(gallery.sentences(result))
    assert f"{point['fpir']['errors']} of {point['fpir']['tries']}" in words
    assert "measured threshold" in words


def test_curves_are_drawn_in_their_colours_on_a_readable_sheet(tmp_path):
    rows, names = people(100, 3, spread=0.3, dimension=16)
    results = gallery.search(
        rows,
        np.ones(len(rows), bool),
        names,
        planned(10, 40),
        wanted=(0.1,),
        points=POINTS,
    )
    sheet = gallery.diagram(results, title="Made up")
    assert sheet.shape == (curves.HEIGHT, curves.WIDTH, 3)
    for colour in curves.COLOURS[:2]:
        assert (np.abs(sheet.astype(int) - colour).sum(axis=2) < 30).sum() > 100
    curves.write(sheet, tmp_path / "det.png")
    assert (tmp_path / "det.png").stat().st_size > 5_000
    with pytest.raises(OSError, match="cannot be written"):
        curves.write(sheet, tmp_path / "nowhere" / "det.png")


def test_rates_of_zero_have_no_place_on_a_logarithmic_axis():
    line = curves.Curve("nothing", ((0.0, 0.5, 0.4, 0.6), (0.5, 0.0, 0.0, 0.1)))
    with pytest.raises(ValueError, match="no curve to draw"):
        curves.det([line], title="", across="", up="")


def test_the_nearest_people_are_those_of_a_full_comparison():
    rows, names = people(700, 2, spread=0.05, dimension=16, seed=4)  # more than one block
    owner = np.array(names)
    scores = rows @ rows.T
    best = {}
    for a, b in zip(*np.nonzero(owner[:, None] < owner), strict=True):
        pair = (names[a], names[b])
        best[pair] = max(best.get(pair, -2.0), float(scores[a, b]))
    expected = sorted(best.items(), key=lambda item: -item[1])[:10]
    found = evaluation.closest(rows, names, count=10)
    assert [(each.people, pytest.approx(each.score, abs=1e-5)) for each in found] == expected


def test_look_alikes_are_two_people_and_reach_the_score_asked_for():
    one = np.array([1.0, 0.0], np.float32)
    near = np.array([0.96, 0.28], np.float32)
    far = np.array([0.0, 1.0], np.float32)
    rows = np.stack([one, one, near, near, far])
    people_of = ["anna", "anna", "bea", "bea", "carl"]
    (found,) = evaluation.closest(rows, people_of, at_least=0.5)
    assert found == evaluation.LookAlikes(("anna", "bea"), pytest.approx(0.96))
    assert len(evaluation.closest(rows, people_of)) == 3
    assert evaluation.closest(rows, people_of, at_least=0.99) == ()
    assert evaluation.closest(rows[:2], people_of[:2]) == ()


def test_a_person_under_two_names_is_made_one(tmp_path):
    table = tmp_path / "same.csv"
    table.write_text("anna, anne\n\nbea,beatrice,bee\n")
    names = ["anne", "anna", "bee", "carl", "beatrice", "bea"]
    assert merged(names, table) == ["anna", "anna", "bea", "carl", "bea", "bea"]
    table.write_text("anna,dora\n")
    with pytest.raises(ValueError, match="no photographs of dora"):
        merged(names, table)
