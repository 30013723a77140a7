"""Telling people apart: triplets that are mined, margins that push, people who are found without names."""

import json
import re
from dataclasses import replace
from math import cos
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` (torch) is not installed")
onnx = pytest.importorskip("onnx", reason="the extra `train` (onnx) is not installed")

import onnxruntime  # noqa: E402

from recognition.training import (  # noqa: E402
    data,
    export,
    identities,
    loop,
    quantising,
    reading,
    stagewise,
    telling,
)
from recognition.training.__main__ import main  # noqa: E402
from recognition.training.networks import MobileFaceNet  # noqa: E402


def at(*degrees):
    """Unit vectors in the plane."""
    angles = torch.deg2rad(torch.tensor([float(each) for each in degrees]))
    return torch.stack([angles.cos(), angles.sin()], 1)


def squared(degrees):
    return 2 - 2 * cos(np.deg2rad(degrees))


def test_a_triplet_takes_the_nearest_stranger_who_is_farther_than_the_positive():
    # Persons 0 at 0 and 20 degrees; strangers at 10 (too near: hard), 25 and 60.
    loss = telling.triplet_loss(at(0, 20, 10, 25, 60), torch.tensor([0, 0, 1, 2, 3]))
    one = max(0.0, squared(20) - squared(25) + 0.2)  # from 0: 25 is the nearest beyond 20
    other = max(0.0, squared(20) - squared(40) + 0.2)  # from 20: 10 and 25 are nearer than 0; 60 is beyond
    assert float(loss) == pytest.approx((one + other) / 2, abs=1e-5)


def test_a_stranger_beyond_the_gap_costs_nothing():
    assert float(telling.triplet_loss(at(0, 5, 120), torch.tensor([0, 0, 1]))) == 0


def test_where_every_stranger_is_nearer_the_farthest_is_taken():
    loss = telling.triplet_loss(at(0, 90, 10, 60), torch.tensor([0, 0, 1, 1]))
    pairs = [(90, 60), (90, 80), (50, 80), (50, 60)]  # (to the positive, to the stranger taken)
    wanted = [max(0.0, squared(near) - squared(far) + 0.2) for near, far in pairs]
    assert float(loss) == pytest.approx(np.mean(wanted), abs=1e-5)


@pytest.mark.parametrize(("who", "missing"), [([0, 1, 2], "two views"), ([0, 0, 0], "two people")])
def test_a_batch_without_triplets_is_refused(who, missing):
    with pytest.raises(ValueError, match=missing):
        telling.triplet_loss(at(0, 10, 20), torch.tensor(who))


def test_the_angular_margin_adds_to_the_own_angle_alone():
    head = telling.AngularMargin(torch.nn.Identity(), at(0, 90), margin=0.5, scale=4.0)
    loss = head.loss(3 * at(30), torch.tensor([0]))  # length plays no part
    logits = 4 * torch.tensor([[cos(np.deg2rad(30) + 0.5), cos(np.deg2rad(60))]])
    assert loss.item() == pytest.approx((torch.logsumexp(logits, 1) - logits[0, 0]).item(), abs=1e-4)


def test_the_angular_margin_falls_on_beyond_half_a_turn():
    head = telling.AngularMargin(torch.nn.Identity(), at(0, 90), margin=0.5, scale=1.0)
    losses = [head.loss(at(angle), torch.tensor([0])).item() for angle in (-120, -150, -160, -179)]
    assert losses == sorted(losses)


@pytest.mark.parametrize("kind", ["triplet", "margin"])
def test_some_steps_draw_people_together_and_apart(kind):
    torch.manual_seed(4)
    seen, who = torch.randn(12, 6), torch.arange(12) // 3
    network = torch.nn.Linear(6, 4)

    def spread():
        with torch.no_grad():
            unit = torch.nn.functional.normalize(network(seen))
        likeness, same = unit @ unit.T, who[:, None] == who[None]
        return float(likeness[same].mean() - likeness[~same].mean())

    learner, losses = network, lambda x, y: [telling.triplet_loss(network(x), y)]
    if kind == "margin":
        learner = telling.AngularMargin(network, torch.randn(4, 4), margin=0.3, scale=8.0)
        losses = lambda x, y: [learner(x, y)]  # noqa: E731
    before = spread()
    loop.run(learner, lambda _: [(seen, who)] * 60, losses, loop.Plan(60, 3e-2, 0, bf16=False))
    assert spread() > before + 0.2


def test_people_are_found_by_name_and_by_likeness_but_never_against_a_name():
    vectors = at(0, 10, 100, 108, 200, 202, 0, 300).numpy()
    names = ["", "", "", "Ann", "Bea", "Cleo", "Dora", "Dora"]
    who = identities.people(vectors, names, alike=0.97)
    groups = {frozenset(np.flatnonzero(who == one).tolist()) for one in set(who.tolist())}
    assert groups == {frozenset({0, 1, 6, 7}), frozenset({2, 3}), frozenset({4}), frozenset({5})}


def test_people_need_a_name_for_every_vector():
    with pytest.raises(ValueError, match="2 vectors but 1 names"):
        identities.people(at(0, 1).numpy(), [""])


def faces(people=40):
    crops = np.random.default_rng(2).integers(0, 256, (people + 8, 144, 144, 3), dtype=np.uint8)
    return identities.Faces(crops, np.r_[np.arange(people), np.arange(8)])


def test_every_batch_holds_several_views_of_each_of_its_people():
    drawn = faces()
    (pixels, who), (_, later) = drawn.batches(2, size=32, people=6, views=3, seed=1)
    assert pixels.shape == (18, 3, 32, 32)
    persons, counts = who.unique(return_counts=True)
    assert counts.tolist() == [3] * 6
    assert sum(int(person) < 8 for person in persons) == 3  # half of them have two photographs
    (resumed,) = [second for _, second in drawn.batches(2, size=32, people=6, views=3, seed=1, start=1)]
    assert resumed.tolist() == later.tolist() != who.tolist()


@pytest.fixture
def prepared(tmp_path):
    """A folder as `prepare` leaves it, of noise: eight crops, eight people, four pairs to measure by."""
    chance = np.random.default_rng(0)
    folder = tmp_path / "prepared"
    folder.mkdir()
    np.save(folder / "train.npy", chance.integers(0, 256, (64, 144, 144, 3), dtype=np.uint8))
    np.save(folder / "people.npy", np.arange(64) // 2)
    (folder / "names.json").write_text(json.dumps([""] * 64))
    crops = chance.integers(0, 256, (8, 112, 112, 3), dtype=np.uint8)
    crops[1], crops[3] = crops[0], crops[2]
    pairs = np.array([(0, 1), (2, 3), (4, 5), (6, 7)])
    np.savez(folder / "dev.npz", crops=crops, pairs=pairs, same=np.array([True, True, False, False]), folds=2)
    drawn = tmp_path / "views"
    drawn.mkdir()
    np.save(drawn / "views.npy", chance.integers(0, 256, (64, 112, 112, 3), dtype=np.uint8))
    np.save(drawn / "embeddings.npy", chance.normal(size=(64, 128)).astype(np.float32))
    return folder


SHIPPED = Path(__file__).parents[2] / "recognition" / "shipped"
NETWORK = "mobilenet-face-0.25-128"


@pytest.fixture
def begun(tmp_path):
    torch.manual_seed(1)
    network, path = stagewise.build(NETWORK), tmp_path / "begun.onnx"
    export.export(network, path)
    return path


@pytest.mark.parametrize("kind", ["triplet", "margin"])
def test_a_command_tells_people_apart_and_goes_on_after_a_break(kind, prepared, begun, tmp_path, capsys):
    words = [
        "--threads=1", kind, f"--network={NETWORK}", f"--begin={begun}", f"--prepared={prepared}",
        f"--runs={tmp_path / 'runs'}", "--teacher=none.onnx",
        "--steps=2", "--epoch=1", "--people=3", "--each=2",
    ]  # fmt: skip
    main(words)
    said = capsys.readouterr().out
    assert "64 photographs of 32 people, 32 with several" in said
    places = [said.index(f"{words}: dev accuracy") for words in ("before", "epoch 1/2", "epoch 2/2")]
    assert places == sorted(places)
    first = torch.load(tmp_path / f"runs/{NETWORK}-{kind}.pt", weights_only=True)
    main(words)  # everything is done already
    assert "epoch" not in capsys.readouterr().out
    again = torch.load(tmp_path / f"runs/{NETWORK}-{kind}.pt", weights_only=True)
    assert all(torch.equal(first[name], again[name]) for name in first)
    with pytest.raises(ValueError, match="another plan"):
        main([*words, "--rate=1"])


def test_a_command_teaches_from_views_scores_and_writes(prepared, begun, tmp_path, capsys):
    runs, file = tmp_path / "runs", tmp_path / "taught.onnx"
    common = [f"--network={NETWORK}", f"--prepared={prepared}"]
    main(
        ["--threads=1", "teach", *common, f"--continue-from={begun}", f"--views={tmp_path / 'views'}",
         f"--runs={runs}", "--steps=2", "--epoch=1", "--normalise", "--no-bf16"]
    )  # fmt: skip
    assert "epoch 2/2: dev accuracy" in capsys.readouterr().out
    main(["score", *common, f"--checkpoint={runs / f'{NETWORK}.pt'}"])
    main(["export", *common, f"--checkpoint={runs / f'{NETWORK}.pt'}", f"--to={file}", "--half"])
    said = capsys.readouterr().out
    assert "dev accuracy" in said
    assert "largest difference to torch" in said
    assert file.stat().st_size < 0.55 * begun.stat().st_size


def test_flip_says_how_alike_a_held_out_face_and_its_mirror_image_are(prepared, tmp_path, capsys):
    body, begun = stagewise.build("mobiface"), tmp_path / "mobiface.pt"
    torch.save(body.state_dict(), begun)
    main(
        ["--threads=1", "flip", f"--begin={begun}", f"--prepared={prepared}", f"--views={tmp_path / 'views'}",
         f"--runs={tmp_path / 'runs'}", "--steps=2", "--count=64"]
    )  # fmt: skip
    said = re.search(r"mirror image: cosine (\d\.\d+), with the two layers", capsys.readouterr().out)
    dev = data.Dev.load(prepared)
    faces = torch.from_numpy(dev.crops.copy()).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        answers = [body.eval()(seen) for seen in (faces, faces.flip(3))]
    assert float(said[1]) == pytest.approx(float(torch.cosine_similarity(*answers).mean()), abs=0.01)

    def left_half(seen):
        return torch.stack([seen[:, :, :, :56].mean((1, 2, 3)), torch.full((len(seen),), 127.0)], 1)

    dark = replace(dev, crops=np.zeros_like(dev.crops))
    dark.crops[:, :, 56:] = 254  # the mirror image shows the light half
    assert dark.mirror_likeness(left_half) == pytest.approx(1 / 5**0.5, abs=0.01)


@pytest.mark.parametrize("teaches", ["distil", "teach"])
def test_a_mobilefacenet_is_written_from_a_checkpoint_of_either_command(teaches, prepared, tmp_path, capsys):
    """`distil` teaches our own, `teach` the paper's table: their layers have other names in a checkpoint."""
    network = MobileFaceNet() if teaches == "distil" else stagewise.build("mobilefacenet")
    checkpoint, file = tmp_path / "mobilefacenet.pt", tmp_path / "written.onnx"
    torch.save(network.state_dict(), checkpoint)
    main(["export", f"--prepared={prepared}", f"--checkpoint={checkpoint}", f"--to={file}"])
    assert "largest difference to torch" in capsys.readouterr().out
    pixels = np.random.default_rng(0).integers(0, 256, (1, 112, 112, 3), dtype=np.uint8)
    (answer,) = onnxruntime.InferenceSession(file.read_bytes()).run(None, {"pixels": pixels})
    with torch.no_grad():
        wanted = network.eval()(torch.from_numpy(pixels).permute(0, 3, 1, 2).float())
    assert np.allclose(answer, wanted.numpy(), atol=1e-4)


def test_a_network_of_eight_bits_answers_nearly_alike_from_a_third_of_the_file(tmp_path):
    torch.manual_seed(3)
    network = stagewise.build("mobilefacenet-96").eval()
    reading.read(network, SHIPPED / "mobilefacenet-96.onnx")
    coarse = torch.rand(32, 3, 6, 6) * 255
    seen = torch.nn.functional.interpolate(coarse, (96, 96), mode="bicubic").clamp(0, 255)
    pixels = seen.byte().permute(0, 2, 3, 1).numpy()
    path, whole = tmp_path / "eight.onnx", tmp_path / "whole.onnx"
    export.export(network, whole)
    assert quantising.quantise(network, pixels, path) > 0.98
    assert path.stat().st_size < 0.45 * whole.stat().st_size
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {"pixels": pixels[:3]})
    with torch.no_grad():
        wanted = network(torch.from_numpy(pixels[:3]).permute(0, 3, 1, 2).float())
    assert float(torch.cosine_similarity(torch.from_numpy(answer), wanted).min()) > 0.97


def test_a_first_layer_that_takes_four_pixels_at_once_changes_no_bit_of_the_answers(tmp_path, monkeypatch):
    torch.manual_seed(3)
    network = stagewise.build("mobilefacenet-96").eval()
    reading.read(network, SHIPPED / "mobilefacenet-96.onnx")
    pixels = np.random.default_rng(0).integers(0, 256, (16, 96, 96, 3), dtype=np.uint8)
    monkeypatch.setattr(quantising, "ENOUGH", 0)  # noise is no face
    answers, shapes = [], []
    for group in (4, 5):  # 96 is no multiple of 5: left as it is
        path = tmp_path / f"{group}.onnx"
        monkeypatch.setattr(quantising, "GROUP", group)
        quantising.quantise(network, pixels, path)
        answers += onnxruntime.InferenceSession(path.read_bytes()).run(None, {"pixels": pixels})
        graph = onnx.load(path).graph
        shapes.append([list(each.dims) for each in graph.initializer])
    assert [[128, 12, 3, 2] in each for each in shapes] == [True, False]
    assert np.array_equal(*answers)


def test_a_network_that_eight_bits_change_too_much_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(quantising, "ENOUGH", 1.1)
    network = stagewise.build("mobilenet-face-0.25-128")
    pixels = np.random.default_rng(0).integers(0, 256, (16, 128, 128, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match="is not written"):
        quantising.quantise(network, pixels, tmp_path / "eight.onnx", keep=0)
    assert not list(tmp_path.iterdir())
