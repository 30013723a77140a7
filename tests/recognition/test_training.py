"""The training code: the paper's layers, a lesson that teaches, a run that resumes, an export that agrees."""

import itertools

import cv2
import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` (torch) is not installed")
pytest.importorskip("onnx", reason="the extra `train` (onnx) is not installed")

from recognition import embedding  # noqa: E402
from recognition.training import augment, distil, export, loop  # noqa: E402
from recognition.training.invent import make  # noqa: E402
from recognition.training.networks import Bottleneck, ConvUnit, MobileFaceNet, StagedNetwork  # noqa: E402
from recognition.training.teacher import Teacher  # noqa: E402


class TinyNetwork(StagedNetwork):
    """Two bottlenecks and a head on 32 pixels: the same parts as the real one, small enough for a test."""

    size, dim = 32, 8

    def __init__(self) -> None:
        super().__init__(
            [
                torch.nn.Sequential(
                    ConvUnit(3, 8, kernel=3, stride=2), Bottleneck(8, 8, stride=2, expansion=2)
                ),
                Bottleneck(8, 8, stride=1, expansion=2),
                torch.nn.Sequential(
                    ConvUnit(8, 16), ConvUnit(16, 8, kernel=8, padding=0, linear=True), torch.nn.Flatten()
                ),
            ]
        )


@pytest.fixture
def teacher():
    torch.manual_seed(7)
    network = TinyNetwork().eval()
    with torch.no_grad():
        return lambda pixels: [output.detach() for output in network.outputs(pixels)]


@pytest.fixture
def crops():
    """Soft coloured blobs: random, yet something a small network can tell apart."""
    coarse = np.random.default_rng(3).integers(0, 256, (24, 4, 4, 3), dtype=np.uint8)
    return np.stack([cv2.resize(blobs, (48, 48), interpolation=cv2.INTER_CUBIC) for blobs in coarse])


def plan(steps=30, hint_weight=None):
    return distil.Plan(steps=steps, batch=8, learning_rate=1e-2, hint_weight=hint_weight, mixed=0.5, seed=5)


def test_mobilefacenet_has_the_rows_of_its_table():
    network = MobileFaceNet()
    rows = []
    for module in network.modules():
        if isinstance(module, Bottleneck):
            conv = module.depthwise.conv
            expansion = conv.out_channels // module.expand.conv.in_channels
            rows.append((expansion, module.project.conv.out_channels, conv.stride[0]))
    repeated = [(*row, len(list(same))) for row, same in itertools.groupby(rows)]
    assert repeated == [
        (2, 64, 2, 1), (2, 64, 1, 4), (4, 128, 2, 1), (2, 128, 1, 6), (4, 128, 2, 1), (2, 128, 1, 2),
    ]  # fmt: skip
    sizes = [tuple(output.shape[1:]) for output in network.eval().outputs(torch.zeros(1, 3, 112, 112))]
    assert sizes == [(64, 28, 28)] * 5 + [(128, 14, 14)] * 7 + [(128, 7, 7)] * 3 + [(128,)]
    # The paper states 0.99 million.
    assert round(sum(parameter.numel() for parameter in network.parameters()) / 1e6, 2) == 0.99


def test_what_is_computed_for_speed_in_training_equals_the_plain_network():
    torch.manual_seed(1)
    network = MobileFaceNet()
    pixels = torch.rand(2, 3, 112, 112) * 255
    with torch.no_grad():
        trained, plain = network.train()(pixels), network.eval()(pixels)
    assert torch.allclose(trained, plain, rtol=1e-3, atol=1e-4 * float(plain.abs().max()))


@pytest.mark.parametrize("hint_weight", [None, 1.0], ids=["blockwise", "joint"])
def test_a_short_lesson_brings_the_student_nearer_to_its_teacher(teacher, crops, tmp_path, hint_weight):
    torch.manual_seed(11)
    student = TinyNetwork()
    lesson = plan(steps=120, hint_weight=hint_weight)
    pixels = next(distil.batches(crops, plan(), size=32))
    distil.initialise(student, teacher, pixels)

    def error():
        with torch.no_grad():
            return float(distil.embedding_loss(student.eval()(pixels), teacher(pixels)[-1]))

    before = error()
    distil.train(student, teacher, crops, lesson, checkpoint=tmp_path / "run.pt", score=lambda _: "")
    assert error() < 0.8 * before


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(teacher, crops, tmp_path):
    def run(checkpoint, stop_at=None):
        torch.manual_seed(11)
        student = TinyNetwork()
        seen = itertools.count(1)

        def interrupting(pixels):
            if next(seen) == stop_at:
                raise KeyboardInterrupt
            return teacher(pixels)

        lesson = plan(steps=6)
        distil.train(
            student, interrupting, crops, lesson, checkpoint=checkpoint, score=lambda _: "", score_every=2
        )
        return student.state_dict()

    whole = run(tmp_path / "whole.pt")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken.pt", stop_at=6)
    resumed = run(tmp_path / "broken.pt")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_checkpoint_of_another_plan_is_refused(teacher, crops, tmp_path):
    lesson = {"checkpoint": tmp_path / "run.pt", "score": lambda _: ""}
    distil.train(TinyNetwork(), teacher, crops, plan(steps=2), **lesson)
    with pytest.raises(ValueError, match="another plan"):
        distil.train(TinyNetwork(), teacher, crops, plan(steps=3), **lesson)


def test_relative_error_is_zero_for_the_answer_and_one_for_its_mean():
    wanted = torch.randn(64, 5, 3, 3)
    assert float(distil.relative_error(wanted, wanted)) == 0
    mean = wanted.mean((0, 2, 3), keepdim=True).expand_as(wanted)
    assert float(distil.relative_error(mean, wanted)) == pytest.approx(1, abs=0.01)


def test_a_seed_repeats_a_view_and_another_one_changes_it(crops):
    views = [augment.view(crops[0], size=32, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert views[0].shape == (32, 32, 3)
    assert views[0].dtype == np.uint8
    assert np.array_equal(views[0], views[1])
    assert not np.array_equal(views[0], views[2])


def test_the_exported_graph_takes_pixels_as_they_are_and_answers_as_torch_does(tmp_path):
    torch.manual_seed(2)
    network = MobileFaceNet().eval()
    path = tmp_path / "network.onnx"
    assert export.export(network, path) < 1e-4
    assert path.stat().st_size < 4.2e6
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(4).integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)
    (answer,) = session.run(None, {"pixels": pixels})
    with torch.no_grad():
        wanted = network(torch.from_numpy(pixels).permute(0, 3, 1, 2).float()).numpy()
    scale = np.abs(wanted).max()
    assert np.abs(answer - wanted).max() < 1e-4 * scale
    (alone,) = session.run(None, {"pixels": pixels[1:2]})
    assert np.abs(alone[0] - wanted[1]).max() < 1e-4 * scale


def test_a_network_that_answers_differently_in_onnxruntime_is_not_written(tmp_path):
    network = TinyNetwork()
    plain = network.forward
    network.forward = lambda pixels: plain(pixels) + 1
    with pytest.raises(ValueError, match="not written"):
        export.export(network, tmp_path / "network.onnx")
    assert not (tmp_path / "network.onnx").exists()


def test_a_teacher_refuses_a_graph_that_it_cannot_express(tmp_path):
    path = tmp_path / "network.onnx"
    export.export(TinyNetwork(), path)  # begins with Cast
    with pytest.raises(ValueError, match="Cast"):
        Teacher(path)


def test_bfloat16_is_used_only_where_the_processor_computes_in_it():
    one = torch.ones(2, 2)
    with loop.autocast("cpu"):
        quick = (one @ one).dtype
    with loop.autocast("cpu", wanted=False):
        exact = (one @ one).dtype
    slow = torch.backends.cpu.get_cpu_capability() in loop.WITHOUT_BF16
    assert (quick, exact) == (torch.float32 if slow else torch.bfloat16, torch.float32)


def test_invented_faces_are_judged_by_the_default_and_by_networks_trained_elsewhere():
    """None is present here but what is shipped, and of that only the default has a say."""
    assert [one.card.id for one in make.embedders(None)] == [embedding.load(None).card.id]
