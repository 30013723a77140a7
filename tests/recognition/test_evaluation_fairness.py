import json

import numpy as np
import pytest

from recognition import image
from recognition.evaluation import fairness
from recognition.evaluation.fairness import Faces, Labelled
from tests.recognition.test_evaluation import people


def labelled(names, group_of):
    return [Labelled(f"{index}.jpg", name, (("site", group_of(name)),)) for index, name in enumerate(names)]


def faces(rows, *, found=None, refused=None):
    everyone = np.ones(len(rows), bool)
    return Faces(rows, everyone if found is None else found, ~everyone if refused is None else refused)


def halves(name):
    return "north" if int(name[1:]) < 60 else "south"


def test_rates_are_counted_as_a_full_comparison_counts_them():
    rows, names = people(120, 3, spread=0.25, dimension=8)
    photographs = labelled(names, halves)
    groups = fairness.by_group(photographs, faces(rows), threshold=0.6, least=20)
    assert [(group.name, group.people, group.photographs) for group in groups] == [
        ("north", 60, 180),
        ("south", 60, 180),
    ]
    owner = np.array(names)
    for group, mine in zip(groups, (slice(0, 180), slice(180, 360)), strict=True):
        scores, same = rows[mine] @ rows[mine].T, owner[mine, None] == owner[None, mine]
        above = np.triu(np.ones_like(same), k=1)
        fnmr, fmr = group.rates["fnmr"], group.rates["fmr"]
        assert fnmr.tries == (same & above).sum() == 60 * 3
        assert fnmr.errors == ((scores < 0.6) & same & above).sum()
        assert fmr.tries == (~same & above).sum()
        assert fmr.errors == ((scores >= 0.6) & ~same & above).sum()
        for rate in (fnmr, fmr):
            low, high = rate.interval
            assert low < rate.share == rate.errors / rate.tries < high


def test_a_group_whose_faces_are_alike_stands_out_in_the_ratio():
    rows, names = people(120, 2, spread=0.05, dimension=16)
    rows[120:] += 1.5 * rows[0]  # the second half all take after one face
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    groups = fairness.by_group(labelled(names, halves), faces(rows), threshold=0.5, least=20)
    ratio = fairness.ratios(groups)["site"]["fmr"]
    assert (ratio.highest, ratio.lowest) == ("south", "north")
    assert ratio.ratio > 5
    north, south = (group.rates["fmr"] for group in groups)
    assert north.interval[1] < south.interval[0]


def test_a_group_of_too_few_people_has_counts_but_no_rate_and_no_ratio():
    rows, names = people(120, 2, spread=0.1)
    photographs = labelled(names, lambda name: "few" if int(name[1:]) < 19 else "many")
    groups = fairness.by_group(photographs, faces(rows), threshold=0.5, least=20)
    few, many = groups
    assert (few.name, few.people) == ("few", 19)
    assert all(rate.share is None and rate.interval is None for rate in few.rates.values())
    assert all(rate.share is not None for rate in many.rates.values())
    assert fairness.ratios(groups) == {}
    words = "\n".join(fairness.sentences(groups, least=20)).split("site many")[0]
    assert words.count(fairness.TOO_FEW) == 4
    told = json.loads(json.dumps(fairness.numbers(groups), allow_nan=False))
    assert [told["groups"][0][name]["rate"] for name in fairness.RATES] == [fairness.TOO_FEW] * 4
    assert told["groups"][0]["fnmr"]["tries"] == 19


def test_faces_missed_and_faces_refused_are_counted_by_group():
    rows, names = people(120, 2, spread=0.1)
    found, refused = np.ones(240, bool), np.zeros(240, bool)
    found[:12] = False  # the first six people of the north, in both photographs
    refused[120:132] = True
    groups = fairness.by_group(
        labelled(names, halves), faces(rows, found=found, refused=refused), threshold=0.5, least=20
    )
    north, south = (group.rates for group in groups)
    assert (north["undetected"].errors, north["undetected"].tries, south["undetected"].errors) == (12, 120, 0)
    assert (north["refused"].errors, north["refused"].tries, south["refused"].errors) == (0, 108, 12)
    assert (north["fnmr"].people, south["fnmr"].people) == (54, 60)
    told = fairness.ratios(groups)["site"]
    assert told["undetected"].ratio == float("inf")
    assert "no error in south" in "\n".join(fairness.sentences(groups, least=20))


def test_groups_come_from_a_table_and_people_from_folders(tmp_path):
    table = tmp_path / "groups.csv"
    table.write_text("path,age,light\nanna/1.jpg,young,dim\nanna/2.jpg,young,bright\nb.jpg,old,\n")
    first, second, third = fairness.labelled(tmp_path, table)
    assert (first.person, second.person, third.person) == ("anna", "anna", "b.jpg")
    assert first.groups == (("age", "young"), ("light", "dim"))
    assert third.groups == (("age", "old"),)
    assert fairness.only([first, second, third], ["age=young", "light=dim"]) == [first]
    assert fairness.only([first, second, third], ["age=young", "age=old"]) == [first, second, third]
    with pytest.raises(ValueError, match="no photograph is in age=middle"):
        fairness.only([first], ["age=middle"])


@pytest.mark.parametrize("text", ["path\nx.jpg\n", "file,age\nx.jpg,old\n", ""])
def test_a_table_without_its_columns_is_refused(tmp_path, text):
    table = tmp_path / "groups.csv"
    table.write_text(text)
    with pytest.raises(ValueError, match="the columns are path"):
        fairness.labelled(tmp_path, table)


def test_file_names_of_utkface_are_understood_and_broken_ones_left_out(tmp_path):
    names = ("11_1_2_20170105.jpg", "65_0_4_20170105.jpg", "40_1_20170105.jpg", "x_1_2_3.jpg", "20_3_0_1.jpg")
    for name in names:
        (tmp_path / name).write_bytes(b"")
    young, old = fairness.labelled(tmp_path)
    assert young.groups == (("age", "0-11"), ("gender", "female"), ("race", "Asian"))
    assert old.groups == (("age", "65 and over"), ("gender", "male"), ("race", "others"))
    with pytest.raises(ValueError, match="no photograph with a label"):
        fairness.labelled(tmp_path / "nowhere")


def test_one_look_finds_judges_and_embeds(eyes, tmp_path, portrait):
    blank, dark = np.full((200, 200, 3), 90, np.uint8), portrait // 12
    paths = []
    for name, rgb in (("good", portrait), ("blank", blank), ("dark", dark)):
        paths.append(tmp_path / f"{name}.png")
        paths[-1].write_bytes(image.encode_jpeg(rgb))
    seen = fairness.look(eyes, paths, lambda *_: None)
    assert seen.found[:2].tolist() == [True, False]
    assert not seen.refused[0]
    assert seen.refused[2] == seen.found[2]
    assert np.linalg.norm(seen.rows[0]) == pytest.approx(1, abs=1e-5)
    assert not seen.rows[1].any()
