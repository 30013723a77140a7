"""The papers' networks in torch: the counts of `cost`, the right shapes, and files that answer like torch."""

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` (torch) is not installed")
onnx = pytest.importorskip("onnx", reason="the extra `train` (onnx) is not installed")

from recognition import cost  # noqa: E402
from recognition.architectures import Kind, mobilefacenet, networks, with_relu6  # noqa: E402
from recognition.training.export import OPSET, export  # noqa: E402
from recognition.training.papers import ChannelAttention, PaperNetwork  # noqa: E402

ALL = [*networks().values(), with_relu6(mobilefacenet())]
# One of each make: resolutions share their weights, and full convolutions take seconds.
RUN = [
    network
    for network in ALL
    if network.size in (96, 112, 128) or network.name.startswith(("fast-facenet", "mobilenet-shallow"))
]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def lived_in(description):
    """The network with statistics and slopes such as training leaves: none at its neutral start."""
    torch.manual_seed(11)
    network = PaperNetwork(description)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.6, 1.4)
            torch.nn.init.normal_(module.bias, std=0.2)
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 1.5)
        if isinstance(module, torch.nn.PReLU):
            torch.nn.init.uniform_(module.weight, 0.0, 0.5)
    return network


def pixels(network, count=2):
    shape = (count, network.size, network.size, 3)
    return np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)


def as_torch(array):
    return torch.from_numpy(array).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("description", ALL, ids=lambda description: description.name)
def test_torch_holds_exactly_the_numbers_that_were_counted(description):
    with torch.device("meta"):
        network = PaperNetwork(description)
    counted = cost.of(description)
    stored = {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
    assert sum(parameter.numel() for parameter in network.parameters()) == counted.parameters
    assert sum(value.numel() for value in stored.values()) == counted.stored


@pytest.mark.parametrize("description", RUN, ids=lambda description: description.name)
def test_a_file_takes_any_number_of_faces_and_answers_like_torch(description, tmp_path):
    network, path = lived_in(description), tmp_path / "network.onnx"
    assert export(network, path) < 1e-4
    model = onnx.load(path)
    assert [entry.version for entry in model.opset_import] == [OPSET]
    assert not {"BatchNormalization", "PRelu"} & {node.op_type for node in model.graph.node}
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    for count in (1, 2):
        given = pixels(network, count)
        with torch.no_grad():
            wanted = network.eval()(as_torch(given)).numpy()
        answer = session.run(None, {"pixels": given})[0]
        assert answer.shape == wanted.shape == (count, description.dim)
        assert np.abs(wanted).max() > 0
        np.testing.assert_allclose(
            answer / np.linalg.norm(answer, axis=1, keepdims=True),
            wanted / np.linalg.norm(wanted, axis=1, keepdims=True),
            atol=1e-4,
        )


@pytest.mark.parametrize("name", ["mobilefacenet-96-eca", "flipped-mobiface", "fast-facenet-0.25"])
def test_a_file_holds_the_folded_numbers_and_little_else(name, tmp_path):
    description, path = networks()[name], tmp_path / "network.onnx"
    export(lived_in(description), path)
    slopes = sum(layer.channels[0] for layer in description.layers if layer.kind is Kind.PRELU)
    numbers = cost.of(description).folded + slopes  # PReLU is written with its slopes and one minus them
    assert 0 < path.stat().st_size - 4 * numbers < 20_000


def test_a_file_that_would_answer_otherwise_is_not_written(tmp_path, monkeypatch):
    network = lived_in(networks()["mobilefacenet-96"])
    monkeypatch.setattr("recognition.training.export.TOLERANCE", 0.0)
    with pytest.raises(ValueError, match="is not written"):
        export(network, tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["mobilefacenet-96-eca", "flipped-mobiface", "fast-facenet-0.25"])
def test_every_parameter_learns(name):
    network = lived_in(networks()[name])
    network.train()
    answer = network(as_torch(pixels(network)))
    (answer * torch.linspace(-1, 1, network.dim)).sum().backward()
    still = [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert not still


def test_stages_are_the_blocks_and_their_last_output_is_the_embedding():
    network = lived_in(networks()["mobilefacenet-96"]).eval()
    with torch.no_grad():
        seen = network.outputs(as_torch(pixels(network)))
        embedding = network(as_torch(pixels(network)))
    for output, block in zip(seen[:-1], network.description.blocks, strict=False):
        last = block.layers[-1]
        assert output.shape == (2, last.channels[1], last.side[1], last.side[1])
    assert len(seen) == len(network.description.blocks)
    assert torch.equal(seen[-1], embedding)


def test_fast_facenet_gives_vectors_of_length_one():
    network = lived_in(networks()["fast-facenet-0.25"]).eval()
    with torch.no_grad():
        lengths = network(as_torch(pixels(network))).norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(2))


def test_flipped_mobiface_averages_the_embedding_and_what_it_says_of_the_mirrored_face():
    network = lived_in(networks()["flipped-mobiface"]).eval()
    with torch.no_grad():
        *_, embedding, averaged = network.outputs(as_torch(pixels(network)))
        predicted = network.stages[-1].layers(embedding.flatten(1))
    torch.testing.assert_close(averaged, (embedding.flatten(1) + predicted) / 2)


def test_h_relu6_follows_equation_6():
    network = PaperNetwork(networks()["mobilefacenet-96-hrelu6"])
    kinds = [layer.kind for layer in network.description.blocks[1].layers]
    activation = network.stages[1].layers[kinds.index(Kind.H_RELU6)]
    x = torch.linspace(-8, 8, 33)
    torch.testing.assert_close(activation(x), x * (x + 3).clamp(0, 6) / 6)


def test_channel_attention_scales_channels_by_their_neighbours_averages():
    attention = ChannelAttention(3)
    with torch.no_grad():
        attention.conv.weight.copy_(torch.tensor([[[0.5, 1.0, -2.0]]]))
        x = torch.arange(8.0).reshape(1, 2, 2, 2) / 8
        y = attention(x)
    first, second = x[0].mean((1, 2))
    sums = torch.stack([first - 2 * second, 0.5 * first + second])
    torch.testing.assert_close(y[0], x[0] * torch.sigmoid(sums)[:, None, None])
