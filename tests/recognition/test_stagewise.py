"""Teaching the papers' networks: starts that change no answer, parts that fit together, lessons that help."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

import onnxruntime  # noqa: E402

from recognition import architectures  # noqa: E402
from recognition.architectures import Kind  # noqa: E402
from recognition.training import (  # noqa: E402
    distil,
    export,
    halving,
    hints,
    loop,
    papers,
    reading,
    stagewise,
    surgery,
)
from recognition.training.__main__ import main  # noqa: E402
from recognition.training.networks import MobileFaceNet  # noqa: E402
from recognition.training.papers import PaperNetwork  # noqa: E402
from recognition.training.views import Views, draw, fitted  # noqa: E402


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def pixels(count: int, side: int) -> "torch.Tensor":
    return torch.rand(count, 3, side, side) * 255


def views_of(count: int, *, dim: int = 128) -> Views:
    chance = np.random.default_rng(0)
    faces = chance.integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)
    return Views(faces, torch.randn(count, dim))


class Answerer(torch.nn.Module):
    """Stands where a teacher stands: maps at three sizes and a vector, a fixed function of the pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.to_map = torch.nn.Conv2d(3, 8, 4, 4)
        self.smaller = torch.nn.ModuleList(torch.nn.Conv2d(8, 8, 2, 2) for _ in range(2))
        self.to_vector = torch.nn.Linear(8, 128)

    @torch.no_grad()
    def forward(self, x: "torch.Tensor") -> list["torch.Tensor"]:
        maps = [self.to_map(x / 255)]
        for layer in self.smaller:
            maps.append(layer(maps[-1]))
        return [*maps, self.to_vector(maps[-1].mean((2, 3)))]


def test_a_folded_network_answers_as_the_one_with_normalisation() -> None:
    network = PaperNetwork(architectures.networks()["mobilefacenet-96-eca"])
    with torch.no_grad():
        network(pixels(2, 96))  # in training mode: fills the statistics
    network.eval()
    seen = pixels(2, 96)
    with torch.no_grad():
        wanted = network(seen)
        given = surgery.fold(network)(seen)
    assert torch.allclose(given, wanted, atol=1e-4 * float(wanted.abs().max()))


def test_training_mode_computes_the_same_numbers_by_other_ways() -> None:
    network = stagewise.build("mobilefacenet-96")
    seen = pixels(2, 96)
    with torch.no_grad():
        assert torch.allclose(network.train()(seen), network.eval()(seen), rtol=1e-3, atol=1e-4)


def test_a_change_of_activation_or_attention_alone_changes_no_answer() -> None:
    trained = MobileFaceNet().eval()
    with torch.no_grad():
        for part in trained.modules():  # larger inputs of ReLU, as in a trained network
            if isinstance(part, torch.nn.Conv2d):
                part.bias.normal_(0, 0.1)
    plain = architectures.mobilefacenet()
    marked = architectures.mobilefacenet(eca=True)
    seen = pixels(2, 112)
    with torch.no_grad():
        wanted = trained(seen)
        for description in (plain, marked):
            student = surgery.fold(PaperNetwork(architectures.with_relu6(description)))
            surgery.transplant(trained, student)
            given = student.eval()(seen)
            assert torch.allclose(given, wanted, atol=1e-4 * float(wanted.abs().max())), description


def test_h_relu6_starts_near_the_relu_it_replaces() -> None:
    trained = MobileFaceNet().eval()
    smooth = architectures.mobilefacenet(activation=Kind.H_RELU6)
    student = surgery.fold(PaperNetwork(architectures.with_relu6(smooth)))
    seen = pixels(2, 112)
    surgery.transplant(trained, student)
    with torch.no_grad():
        likeness = torch.cosine_similarity(student.eval()(seen), trained(seen))
    assert float(likeness.min()) > 0.6  # random features are far smaller than trained ones


@pytest.mark.parametrize(
    ("given", "wanted", "stand_for"),
    [(5, 5, [0, 1, 2, 3, 4]), (5, 4, [0, 1, 3, 4]), (7, 4, [0, 2, 4, 6]), (3, 7, [0, 1, 2])],
)
def test_fewer_blocks_stand_for_evenly_spread_ones(given: int, wanted: int, stand_for: list[int]) -> None:
    assert surgery.spread(given, wanted) == stand_for


def test_a_network_of_the_teachers_kin_is_cut_after_every_bottleneck_but_those_of_the_last_row() -> None:
    student = stagewise.build("mobiface")
    cuts = hints.follow(student, [5, 7, 3])
    assert cuts.ends == (1, 2, 3, 4, 5, 6, 7)
    assert cuts.hints == (0, 2, 4, 5, 7, 9, 11)
    teacher = MobileFaceNet().eval()  # has the teacher's shape
    with torch.no_grad():
        maps = teacher.outputs(pixels(1, 112))
        own = student.eval().outputs(pixels(1, 112))
    shapes = [(own[end].shape, maps[hint].shape) for end, hint in zip(cuts.ends, cuts.hints, strict=True)]
    assert all(ours == theirs for ours, theirs in shapes)


def test_normalisation_put_in_and_folded_away_changes_no_answer() -> None:
    network, seen = stagewise.build("mobilenet-face-0.25-128"), pixels(4, 128)
    with torch.no_grad():
        wanted = network.eval()(seen)
        normalised = surgery.unfold(network, seen)
        assert any(isinstance(layer, torch.nn.BatchNorm2d) for layer in normalised.modules())
        surgery.settle(normalised, [seen])
        given = surgery.fold(normalised)(seen)
    # Not to the last digit: in evaluation variances are those of a sample.
    assert float(torch.cosine_similarity(given, wanted).min()) > 0.99


def test_a_network_adopts_what_another_learnt_with_attention_and_h_relu6() -> None:
    trained = MobileFaceNet().eval()
    first = stagewise.build("mobilefacenet-96-eca")
    surgery.transplant(trained, first)
    seen = pixels(2, 96)
    with torch.no_grad():
        for layer in first.modules():
            if isinstance(layer, papers.ChannelAttention):
                layer.conv.weight.fill_(0.1)
        wanted = first.eval()(seen)
        second = stagewise.build("mobilefacenet-96-hrelu6")
        surgery.adopt(first, second, seen)
        assert float(torch.cosine_similarity(second.eval()(seen), wanted).min()) > 0.98
        third = stagewise.build("mobilefacenet-96")
        surgery.adopt(second, third, seen)
        assert float(torch.cosine_similarity(third.eval()(seen), wanted).min()) > 0.6


def test_a_network_for_another_size_adopts_all_layers_too() -> None:
    first, second = (stagewise.build(name) for name in ("mobilenet-face-0.25-128", "fast-facenet-0.25"))
    seen = pixels(1, 224)
    surgery.adopt(first, second, seen)
    with torch.no_grad():
        wanted = torch.nn.functional.normalize(first.eval()(seen))
        assert torch.allclose(second.eval()(seen), wanted, atol=1e-5)


@pytest.mark.parametrize("wide", ["mobilenet-face-0.5-128", "mobilenet-face-0.75-128"])
def test_a_wider_network_begins_with_the_answers_of_a_narrow_one(wide: str) -> None:
    first, second = stagewise.build("mobilenet-face-0.25-128"), stagewise.build(wide)
    seen = pixels(2, 128)
    surgery.broaden(first, second)
    with torch.no_grad():
        wanted = first.eval()(seen)
        assert torch.allclose(second.eval()(seen), wanted, atol=1e-4 * float(wanted.abs().max()))


def test_the_copies_in_a_wider_network_learn_different_things() -> None:
    first, second = stagewise.build("mobilenet-face-0.25-128"), stagewise.build("mobilenet-face-0.5-128")
    surgery.broaden(first, second)
    second.train()(pixels(2, 128)).square().sum().backward()
    slope = second.stages[1].layers[2].weight.grad
    original, copy = slope[:16], slope[16:]
    assert original.shape == copy.shape
    assert not torch.allclose(original, copy, rtol=0.05)


def test_a_network_does_not_get_narrower() -> None:
    first, second = stagewise.build("mobilenet-face-0.5-128"), stagewise.build("mobilenet-face-0.25-128")
    with pytest.raises(ValueError, match="do not fit"):
        surgery.broaden(first, second)


@pytest.mark.parametrize("width", [16, 24, 32])
def test_a_lift_of_twice_the_width_or_more_keeps_the_whole_map(width: int) -> None:
    maps = torch.randn(4, 8, 5, 5) + 3
    lift = hints.Lift(maps, width)
    lifted = lift(maps)
    assert lifted.shape == (4, width, 5, 5)
    assert float(lifted.min()) >= 0
    assert torch.allclose(lift.back(lifted), maps, atol=1e-4)


def test_a_narrow_lift_keeps_the_principal_directions() -> None:
    strong = torch.randn(6, 2, 9, 9)
    maps = torch.cat([strong, 0.01 * torch.randn(6, 6, 9, 9)], 1)
    back = (lift := hints.Lift(maps, 4)).back(lift(maps))
    assert float((back - maps).abs().max()) < 0.1


def test_parts_put_together_are_the_network() -> None:
    student, teacher = stagewise.build("mobilenet-face-0.25-128"), Answerer()
    cuts = hints.cut(student, teacher, torch.from_numpy(views_of(8).pixels))
    assert [teacher(pixels(1, 128))[hint].shape[-1] for hint in cuts.hints] == [32, 16, 8]
    seen = pixels(2, 128)
    with torch.no_grad():
        x = student.eval().normalise(seen)
        for part in hints.parts(student, cuts):
            x = part(x)
        assert torch.allclose(x.flatten(1), student(seen), atol=1e-4)


def test_parts_that_answer_like_the_lessons_have_no_loss() -> None:
    student, teacher = stagewise.build("mobilenet-face-0.25-128"), Answerer()
    cuts = hints.cut(student, teacher, torch.from_numpy(views_of(8).pixels))
    seen, lessons = pixels(8, 128), []
    with torch.no_grad():
        x = student.eval().normalise(seen)
        for part in hints.parts(student, cuts):
            x = part(x)
            lessons.append(x)
        *lessons, wanted = lessons
        found = hints.losses(student, cuts, lessons, seen, wanted.flatten(1))
    assert max(float(value) for value in found) < 1e-3


def test_a_few_steps_on_the_teachers_maps_lower_every_loss() -> None:
    student, teacher = stagewise.build("mobilenet-face-0.25-128"), Answerer()
    smooth = torch.nn.functional.interpolate(pixels(16, 8), (112, 112), mode="bilinear")
    faces = smooth.permute(0, 2, 3, 1).byte()
    cuts = hints.cut(student, teacher, faces)
    seen, wanted = fitted(faces, 128), torch.randn(16, 128)
    hints.initialise(student, cuts, teacher, seen, wanted)

    @torch.no_grad()
    def part_losses() -> list[float]:
        found = hints.losses(student.train(), cuts, cuts.lessons(teacher, seen), seen, wanted)
        return [float(value) for value in found[:-1]]

    before = part_losses()
    loop.run(
        student,
        lambda _: [(seen, wanted)] * 20,
        lambda x, y: hints.losses(student, cuts, cuts.lessons(teacher, x), x, y)[:-1],
        loop.Plan(20, 1e-2, 0),
    )
    after = part_losses()
    assert all(now < 0.9 * then for now, then in zip(after, before, strict=True)), (before, after)


def test_a_wider_networks_targets_keep_every_angle() -> None:
    network, views = stagewise.build("mobiface"), views_of(24)
    turn = stagewise.widen(network, Views(views.pixels, views.embeddings), batch=24)
    assert turn.shape == (512, 128)
    assert torch.allclose(turn.T @ turn, torch.eye(128), atol=1e-4)


def test_the_flip_loss_brings_a_face_and_its_mirror_together() -> None:
    network, views = stagewise.build("flipped-mobiface"), views_of(64, dim=512)

    def distance() -> float:
        seen = fitted(torch.from_numpy(views.pixels[:8]), 112)
        with torch.no_grad():
            network.eval()
            one, other = (torch.nn.functional.normalize(network(x)) for x in (seen, seen.flip(3)))
        return float((one - other).square().sum(1).mean())

    stagewise.flip(network, views, loop.Plan(1, 1e-9, 0), count=64)  # the identity it begins as
    before = distance()
    stagewise.flip(network, views, loop.Plan(40, 2e-3, 0), count=64)
    assert distance() < 0.7 * before


def test_views_are_resized_by_averaging() -> None:
    board = np.zeros((1, 112, 112, 3), np.uint8)
    board[:, ::2] = 255
    small = fitted(torch.from_numpy(board), 56)
    assert float((small - 127.5).abs()[:, :, 2:-2].max()) < 30


def test_drawn_views_repeat_with_the_seed_and_hold_the_teachers_answers(tmp_path) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (5, 144, 144, 3), dtype=np.uint8)
    teacher = Answerer()
    for name in ("one", "two"):
        draw(crops, teacher, tmp_path / name, count=64, seed=3)
    one, two = (Views.load(tmp_path / name) for name in ("one", "two"))
    assert np.array_equal(one.pixels, two.pixels)
    (seen, wanted), *_ = one.batches(1, sizes=[112], batch=64, seed=0)
    assert torch.allclose(teacher(seen)[-1], wanted, atol=0.05)


def test_mirrored_views_hold_the_mean_of_the_answers_to_a_face_and_its_mirror_image(tmp_path) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (5, 144, 144, 3), dtype=np.uint8)

    def teacher(seen: "torch.Tensor") -> list["torch.Tensor"]:  # one that sees the left half alone
        return [seen[:, :, :, :56].mean((2, 3)) / 255]

    draw(crops, teacher, tmp_path / "plain", count=64, seed=3)
    draw(crops, teacher, tmp_path / "mirrored", count=64, seed=3, mirrored=True)
    plain, mirrored = (Views.load(tmp_path / name) for name in ("plain", "mirrored"))
    assert np.array_equal(plain.pixels, mirrored.pixels)
    whole = torch.from_numpy(plain.pixels.astype(np.float32) / 255).mean((1, 2))
    assert torch.allclose(mirrored.embeddings, whole, atol=0.01)
    assert not torch.allclose(plain.embeddings, whole, atol=0.01)


def test_faces_of_several_sizes_and_the_maps_of_one_are_not_taken_together(capsys) -> None:
    where = ["--prepared", "P", "--views", "V", "--runs", "R", "--network", "mobilefacenet-96"]
    with pytest.raises(SystemExit):
        main(["teach", *where, "--guided", "1", "--sizes", "96"])
    assert "--sizes: not allowed with argument --guided" in capsys.readouterr().err


class Kin(torch.nn.Module):
    """Stands where a teacher of MobileFaceNet's kin stands: as many maps of its sizes, then a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.network = MobileFaceNet().eval().requires_grad_(False)

    def forward(self, x: "torch.Tensor") -> list["torch.Tensor"]:
        return self.network.outputs(x)


def test_a_smaller_network_is_guided_at_both_ends_of_every_row() -> None:
    student = stagewise.build("mobilefacenet-96-eca")
    cuts = stagewise.guides(student)
    assert (cuts.ends, cuts.hints) == ((4, 5, 10, 11, 13), (4, 5, 11, 12, 14))
    assert stagewise.guiding_maps(student) == [(4, 24), (5, 12), (11, 12), (12, 6), (14, 6)]
    with torch.no_grad():
        own = student.eval().outputs(pixels(1, 96))
        maps = MobileFaceNet().eval().outputs(pixels(1, 112))
    assert [own[end].shape[-1] for end in cuts.ends] == [24, 12, 12, 6, 6]
    assert [own[end].shape[1] for end in cuts.ends] == [maps[hint].shape[1] for hint in cuts.hints]


@pytest.fixture(scope="module")
def guided_views(tmp_path_factory) -> Views:
    """64 drawn views with a teacher's maps at the sides of the 96 x 96 network."""
    folder = tmp_path_factory.mktemp("guided")
    crops = np.random.default_rng(1).integers(0, 256, (5, 18, 18, 3), dtype=np.uint8)
    crops = np.stack([np.kron(crop, np.ones((8, 8, 1), np.uint8)) for crop in crops])
    maps = stagewise.guiding_maps(stagewise.build("mobilefacenet-96-eca"))
    draw(crops, Kin(), folder, count=64, seed=3, maps=maps)
    return Views.load(folder, maps=True)


def test_the_teachers_maps_are_kept_beside_its_answers_at_the_students_sides(guided_views) -> None:
    teacher = Kin()
    seen, wanted, *maps = next(guided_views.batches(1, sizes=[112], batch=64, seed=0))
    assert [tuple(each.shape[1:]) for each in maps] == [
        (64, 24, 24),
        (128, 12, 12),
        (128, 12, 12),
        (128, 6, 6),
        (128, 6, 6),
    ]
    assert wanted.shape == (64, teacher.network.dim)
    likeness = torch.corrcoef(torch.stack([maps[0].float().mean((1, 2, 3)), seen.mean((1, 2, 3))]))
    assert float(likeness[0, 1].abs()) > 0.3  # they come in one order


def test_a_kept_map_shows_each_place_as_a_network_that_looks_through_the_window_sees_it(tmp_path) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (5, 144, 144, 3), dtype=np.uint8)
    teacher = Answerer()  # each of its places looks at pixels of its own only
    draw(crops, teacher, tmp_path, count=64, seed=3, maps=[(0, 24), (1, 12), (2, 6)])
    seen, wanted, *maps = next(Views.load(tmp_path, maps=True).batches(1, sizes=[96], batch=64, seed=0))
    assert seen.shape == (64, 3, 96, 96)
    for kept, own in zip(maps, teacher(seen), strict=False):
        assert torch.allclose(kept.float(), own, atol=0.02)
    whole, again, *_ = next(Views.load(tmp_path).batches(1, sizes=[112], batch=64, seed=0))
    assert torch.equal(whole[:, :, 16:, 8:-8], seen)
    assert torch.equal(wanted, again)
    assert torch.allclose(teacher(whole)[-1], wanted, atol=0.05)


def test_a_global_layer_keeps_the_weights_of_the_places_that_the_window_leaves() -> None:
    rows = torch.arange(7.0)[:, None].expand(7, 7)
    weight = torch.stack([rows, rows.T, torch.ones(7, 7)])[:, None]
    kept = surgery._windowed(weight, 6)[:, 0]
    assert torch.equal(kept[0], (torch.arange(6.0) + 1)[:, None].expand(6, 6))  # 16 rows are cut: one place
    assert torch.equal(kept[1], (torch.arange(6.0) + 0.5).expand(6, 6))  # 8 columns: half a place
    assert torch.equal(kept[2], torch.ones(6, 6))


def test_a_mobilenet_learns_from_faces_of_several_sizes_and_one_file_takes_them_all(tmp_path) -> None:
    network, views = stagewise.build("mobilenet-face-0.25-128"), views_of(64)
    sides = [seen.shape[-1] for seen, _ in views.batches(5, sizes=[128, 160], batch=16, seed=0)]
    assert sides == [128, 160, 128, 160, 128]
    before = [weight.clone() for weight in network.parameters()]
    stagewise.together(network, views, lambda wanted: wanted, loop.Plan(2, 1e-3, 0), sizes=[128, 160])
    assert not all(torch.equal(*pair) for pair in zip(before, network.parameters(), strict=True))
    path = tmp_path / "network.onnx"
    export.export(network.eval(), path)
    for side in (128, 160, 224):
        faces = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), np.uint8)
        with torch.no_grad():
            wanted = network(torch.from_numpy(faces).permute(0, 3, 1, 2).float()).numpy()
        np.testing.assert_allclose(_answer(path, faces), wanted, atol=1e-4 * np.linalg.norm(wanted[0]))


@pytest.mark.parametrize("phase", [stagewise.guided_apart, stagewise.guided])
def test_a_few_guided_steps_bring_the_students_maps_nearer(guided_views, phase) -> None:
    student = stagewise.build("mobilefacenet-96-eca")
    cuts = stagewise.guides(student)

    @torch.no_grad()
    def error() -> float:
        """Of all rows: each on what the teacher saw where it begins, or on the student's own maps."""
        seen, _, *maps = next(guided_views.batches(1, sizes=[96], batch=64, seed=5))
        x, given = student.eval().normalise(seen), [each.float() for each in maps]
        if phase is stagewise.guided_apart:
            answers = [
                part(start) for part, start in zip(hints.parts(student, cuts), [x, *given], strict=True)
            ]
        else:
            answers = [student.outputs(seen)[end] for end in cuts.ends]
        return sum(float(distil.relative_error(*pair)) for pair in zip(answers, given, strict=False))

    before = error()
    more = {"weight": 5.0} if phase is stagewise.guided else {}
    phase(student, guided_views, lambda wanted: wanted, loop.Plan(8, 3e-3, 0), **more)
    assert error() < 0.8 * before


def test_halved_weights_lose_nothing_once_rounded(tmp_path) -> None:
    network = stagewise.build("mobilefacenet-96-eca")
    halving.round_to_half(network)
    path = tmp_path / "network.onnx"
    export.export(network, path)
    large, seen = path.stat().st_size, np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3), np.uint8)
    before = _answer(path, seen)
    assert halving.halve(path) < 0.55 * large
    np.testing.assert_allclose(_answer(path, seen), before, rtol=1e-5, atol=1e-6)


def test_weights_that_are_not_rounded_are_refused(tmp_path) -> None:
    path = tmp_path / "network.onnx"
    export.export(stagewise.build("mobilenet-face-0.25-128"), path)
    content = path.read_bytes()
    with pytest.raises(ValueError, match="not rounded"):
        halving.halve(path)
    assert path.read_bytes() == content


def test_weights_kept_as_bytes_answer_nearly_the_same_and_are_read_back(tmp_path) -> None:
    written, again = (stagewise.build("mobilenet-face-0.25-128") for _ in range(2))
    path, seen = (
        tmp_path / "network.onnx",
        np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), np.uint8),
    )
    export.export(written, path)
    large, before = path.stat().st_size, _answer(path, seen)
    cosine = halving.quarter(path, seen)
    assert path.stat().st_size < 0.35 * large
    after = _answer(path, seen)
    rows = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (before, after)]
    assert cosine == pytest.approx(float((rows[0] * rows[1]).sum(1).mean()), abs=1e-4)
    assert cosine < 1 - 1e-7
    reading.read(again, path)
    with torch.no_grad():
        answers = again.eval()(torch.from_numpy(seen).permute(0, 3, 1, 2).float()).numpy()
    np.testing.assert_allclose(answers, after, rtol=1e-3, atol=1e-4 * np.abs(after).max())


def test_bytes_that_move_the_answers_too_far_are_not_written(tmp_path, monkeypatch) -> None:
    path, seen = (
        tmp_path / "network.onnx",
        np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3), np.uint8),
    )
    export.export(stagewise.build("mobilenet-face-0.25-128"), path)
    content = path.read_bytes()
    monkeypatch.setattr(halving, "ENOUGH", 1.1)
    with pytest.raises(ValueError, match="stays as it is"):
        halving.quarter(path, seen)
    assert path.read_bytes() == content


@pytest.mark.parametrize("half", [False, True])
def test_a_file_is_read_back_into_its_network(tmp_path, half) -> None:
    written, again = (stagewise.build("mobilefacenet-96-eca") for _ in range(2))
    if half:
        halving.round_to_half(written)
    path, seen = tmp_path / "network.onnx", pixels(2, 96)
    export.export(written, path)
    if half:
        halving.halve(path)
    reading.read(again, path)
    with torch.no_grad():
        assert torch.equal(again.eval()(seen), written.eval()(seen))


def test_a_file_of_another_network_is_not_read(tmp_path) -> None:
    path = tmp_path / "network.onnx"
    export.export(stagewise.build("mobilenet-face-0.25-128"), path)
    with pytest.raises(ValueError, match="layers"):
        reading.read(stagewise.build("mobilefacenet-96"), path)
    with pytest.raises(ValueError, match="t4 is"):
        reading.read(stagewise.build("mobilenet-face-0.5-128"), path)


def test_prelu_is_kept_on_demand_and_begins_as_relu() -> None:
    trained = MobileFaceNet().eval()
    with torch.no_grad():  # so that nothing comes near the 6 of ReLU6
        for part in trained.modules():
            if isinstance(part, torch.nn.Conv2d):
                part.weight.mul_(0.3)
    student = stagewise.build("mobilefacenet-prelu")
    assert any(isinstance(layer, torch.nn.PReLU) for layer in student.modules())
    surgery.transplant(trained, student)
    seen = pixels(2, 112)
    with torch.no_grad():
        wanted = trained(seen)
        assert torch.allclose(student.eval()(seen), wanted, atol=1e-4 * float(wanted.abs().max()))


def test_a_network_with_prelu_begins_as_the_same_one_with_relu6() -> None:
    first, second = stagewise.build("mobilefacenet-96-eca"), stagewise.build("mobilefacenet-96-eca-prelu")
    with torch.no_grad():
        for part in first.modules():  # so that nothing comes near the 6 of ReLU6
            if isinstance(part, torch.nn.Conv2d):
                part.weight.mul_(0.3)
            elif isinstance(part, papers.ChannelAttention):
                part.conv.weight.fill_(0.5)
    seen = pixels(2, 96)
    surgery.adopt(first, second, seen)
    with torch.no_grad():
        wanted = first.eval()(seen)
        assert float(torch.cosine_similarity(second.eval()(seen), wanted).min()) > 0.99


def _answer(path, seen):
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return session.run(None, {"pixels": seen})[0]
