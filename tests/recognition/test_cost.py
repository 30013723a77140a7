"""The costs, held against every figure the papers print that is still legible."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from recognition import __main__ as command
from recognition import cost
from recognition.architectures import Kind, Layer, mobilefacenet, mobilenet, networks
from recognition.cost import CLAIMS, Cost, of, of_layer, shares

# What the papers say and no sensible reading gives: stated, and what is computed instead.
DIFFERENT = {
    ("mobilenet-conv-1-224", "4866 M mult-adds"): 4867.29,
    ("mobilenet-1-224", "1.19 % of mult-adds in conv"): 1.906,
    ("mobilenet-face-1-160", "286 M mult-adds"): 289.78,
    ("mobilenet-face-1-160", "4.9 M weights"): 3.316,
    ("mobilenet-face-1-128", "5.5 M weights"): 3.316,
    ("mobilenet-face-0.75-160", "3.4 M weights"): 1.898,
    ("mobilenet-face-0.75-128", "108 M mult-adds"): 106.10,
    ("mobilenet-face-0.75-128", "3.8 M weights"): 1.898,
    ("mobilefacenet", "4.9 MB"): 4.091,
    ("mobilefacenet-96", "3.1 MB"): 3.704,
    ("mobilefacenet-96-hrelu6", "3.2 MB"): 3.680,
    ("mobilefacenet-96-eca", "3.4 MB"): 3.680,
    ("flipped-mobiface", "11.3 MB"): 11.433,
    ("mobiface-flat", "9.3 MB"): 60.61,
}


def million(count):
    return round(count / 1e6, 2)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.network}: {claim}")
def test_each_stated_figure_is_computed_or_listed_as_different_with_its_reason(claim):
    if claim.agrees:
        assert not claim.because
        assert abs(claim.computed - float(claim.stated)) < 10**-claim.digits
    else:
        assert claim.because
        assert claim.computed == pytest.approx(DIFFERENT[claim.network, str(claim)], rel=5e-4)


def test_the_list_of_different_figures_has_no_figure_too_many():
    assert set(DIFFERENT) == {(claim.network, str(claim)) for claim in CLAIMS if not claim.agrees}


def by_equation_7(alpha, size):
    """Multiply-adds and weights of Table 1's rows, written out without a layer in between."""
    side = size // 2
    work = weights = 9 * 3 * 32 * alpha
    work *= side**2
    pairs = [(32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2)]
    for narrow, wide, stride in [*pairs, *[(512, 512, 1)] * 5, (512, 1024, 2), (1024, 1024, 1)]:
        side //= stride
        numbers = 9 * alpha * narrow + alpha * narrow * alpha * wide
        work, weights = work + numbers * side**2, weights + numbers
    return work + 1024 * alpha * 1000, weights + 1024 * alpha * 1000


@pytest.mark.parametrize("alpha", [1, 0.75, 0.5, 0.25])
@pytest.mark.parametrize("size", [224, 192, 160, 128])
def test_mobilenet_costs_what_equation_7_says_at_every_width_and_resolution(alpha, size):
    counted = of(mobilenet(alpha, size))
    assert (counted.mult_adds, counted.weights) == by_equation_7(alpha, size)


def test_table_2_holds_for_all_rows_but_a_misprint():
    found = {
        kind: (round(100 * work, 2), round(100 * weights, 2))
        for kind, (work, weights) in shares(mobilenet()).items()
    }
    assert found == {
        Kind.POINTWISE: (94.86, 74.59),
        Kind.DEPTHWISE: (3.06, 1.06),
        Kind.CONV: (1.91, 0.02),  # printed: 1.19
        Kind.FULLY_CONNECTED: (0.18, 24.33),
    }
    assert sum(work for work, _ in found.values()) == pytest.approx(100, abs=0.02)
    assert sum((94.86, 3.06, 1.19, 0.18)) == pytest.approx(99.29)


@pytest.mark.parametrize(
    ("channels", "side", "mult_adds", "weights"),
    [(512, 14, 52.3, 0.27), (384, 14, 29.6, 0.15), (384, 10, 15.1, 0.15)],
)
def test_the_layer_of_table_3_shrinks_step_by_step(channels, side, mult_adds, weights):
    sides, widths = (side, side), (channels, channels)
    pair = of([Layer(Kind.DEPTHWISE, sides, widths, 3), Layer(Kind.POINTWISE, sides, widths)])
    assert round(pair.mult_adds / 1e6, 1) == mult_adds
    assert round(pair.weights / 1e6, 2) == weights


def test_the_full_convolution_of_table_3():
    full = of_layer(Layer(Kind.CONV, (14, 14), (512, 512), 3))
    assert (round(full.mult_adds / 1e6), million(full.weights)) == (462, 2.36)


def test_table_4_leaves_out_the_last_layer_in_one_row():
    layers = mobilenet(separable=False).layers
    assert million(of(layers).mult_adds) == 4867.29
    assert million(of(layers[:-1]).mult_adds) == 4866.27


@pytest.mark.parametrize(
    ("alpha", "size", "mult_adds", "weights"),
    [(1, 224, 569, 3.3), (0.75, 224, 325, 1.9), (1, 192, 418, 3.3), (0.75, 192, 239, 1.9)],
)
def test_table_10_is_the_same_network_with_120_breeds(alpha, size, mult_adds, weights):
    counted = of(mobilenet(alpha, size, classes=120))
    assert abs(counted.mult_adds / 1e6 - mult_adds) < 1.2  # its 569 is that of 1000 classes: 567.8 with 120
    assert round(counted.weights / 1e6, 1) == weights


@pytest.mark.parametrize(
    ("alpha", "size", "stated", "computed", "weights"),
    [
        (1, 224, 568, 567.72, 3.2),
        (0.5, 224, 149, 148.99, 0.8),
        (0.25, 224, 45, 40.77, 0.2),  # 41 in Table 6
        (1, 128, 185, 185.38, 3.2),
        (0.5, 128, 48, 48.64, 0.8),
        (0.25, 128, 15, 13.32, 0.2),
    ],
)
def test_table_12_is_the_body_alone_and_disagrees_with_table_6_at_a_quarter(
    alpha, size, stated, computed, weights
):
    body = of(mobilenet(alpha, size).layers[:-1])
    assert body.mult_adds / 1e6 == pytest.approx(computed, abs=0.01)
    assert (abs(computed - stated) < 1) == (alpha != 0.25)
    assert round(body.weights / 1e6, 1) == weights


@given(
    inputs=some.integers(1, 2048),
    outputs=some.integers(1, 2048),
    side=some.integers(1, 224),
    kernel=some.sampled_from([1, 3, 5, 7]),
)
def test_a_separable_pair_costs_one_nth_and_one_kernel_area_of_a_full_convolution(
    inputs, outputs, side, kernel
):
    sides = (side, side)
    full = of_layer(Layer(Kind.CONV, sides, (inputs, outputs), kernel))
    pair = of(
        [
            Layer(Kind.DEPTHWISE, sides, (inputs, inputs), kernel),
            Layer(Kind.POINTWISE, sides, (inputs, outputs)),
        ]
    )
    saving = cost.separable_saving(outputs, kernel)
    assert pair.mult_adds / full.mult_adds == pytest.approx(saving)
    assert pair.weights / full.weights == pytest.approx(saving)


def test_a_convolution_costs_what_the_reader_notes():
    layer = Layer(Kind.CONV, (10, 5), (3, 8), kernel=3, stride=2, bias=True)
    counted = of_layer(layer)
    assert counted.parameters == 3 * 3 * 3 * 8 + 8
    assert counted.flops == (2 * 3 * 3 * 3 - 1) * 5 * 5 * 8
    assert counted.memory_access == 10 * 10 * 3 + 5 * 5 * 8 + 3 * 3 * 3 * 8


def test_a_fully_connected_layer_costs_what_the_reader_notes():
    counted = of_layer(Layer(Kind.FULLY_CONNECTED, (1, 1), (40, 7), bias=True))
    assert counted.parameters == 40 * 7 + 7
    assert counted.flops == (2 * 40 - 1) * 7
    assert counted.memory_access == 40 + 7 + 40 * 7
    flattened = of_layer(Layer(Kind.FULLY_CONNECTED, (7, 1), (512, 512)))
    assert flattened.weights == 7 * 7 * 512 * 512 == 12_845_056


def test_a_layer_without_weights_is_free_and_a_normalisation_folds_into_one_number_a_channel():
    for kind in (Kind.RELU, Kind.RELU6, Kind.H_RELU6, Kind.AVERAGE_POOL, Kind.L2):
        assert of_layer(Layer(kind, (7, 7), (64, 64))) == Cost()
    assert of_layer(Layer(Kind.NORMALISATION, (7, 7), (64, 64))) == Cost(
        parameters=128, folded=64, stored=256
    )


def test_mobilefacenet_has_990_000_parameters():
    counted = of(mobilefacenet())
    assert (counted.folded, counted.parameters, counted.weights) == (993_344, 1_003_136, 976_000)


def test_the_sizes_of_the_ablation_come_nearest_when_the_baseline_has_512_outputs_and_the_rest_128():
    baseline = of(mobilefacenet(dim=512)).file_megabytes
    steps = [of(networks()[f"mobilefacenet-96{step}"]).file_megabytes for step in ("", "-hrelu6", "-eca")]
    off = [
        computed - stated for computed, stated in zip([baseline, *steps], [4.9, 3.1, 3.2, 3.4], strict=True)
    ]
    assert off == pytest.approx([-0.02, 0.60, 0.48, 0.28], abs=0.005)
    with_512 = of(mobilefacenet(size=96, repeats=(4, 1, 5, 1, 2), dim=512)).file_megabytes
    assert with_512 - 3.1 == pytest.approx(1.40, abs=0.005)  # so 512 throughout is further off
    two_blocks_less = of(mobilefacenet(size=96, repeats=(4, 1, 3, 1, 2))).file_megabytes
    assert round(two_blocks_less, 1) == 3.1


def test_the_ablation_saves_the_share_of_work_that_the_paper_saves_of_time():
    work = of(networks()["mobilefacenet-96"]).mult_adds / of(mobilefacenet()).mult_adds
    assert work == pytest.approx(76 / 117, abs=0.01)


def test_the_sizes_of_mobiface_and_what_the_table_to_the_letter_would_weigh():
    size = {name: of(networks()[name]).file_megabytes for name in networks() if "mobiface" in name}
    assert size["mobiface"] == pytest.approx(9.33, abs=0.005)
    assert size["flipped-mobiface"] == pytest.approx(11.43, abs=0.005)
    assert size["mobiface-flat"] == pytest.approx(60.61, abs=0.005)
    two_layers = of(networks()["flipped-mobiface"]).stored - of(networks()["mobiface"]).stored
    assert 4 * two_layers / 2**20 == pytest.approx(2.0, abs=0.01)


def test_the_table_shows_every_network_and_every_difference(capsys):
    assert command.main(["cost"]) == 0
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith("| ")]
    assert [line.split()[1] for line in lines[2:]] == list(networks())
    assert len({len(line) for line in lines}) == 1
    assert printed.count("\n- ") == len(DIFFERENT)
    assert "- mobilefacenet-96: stated 3.1 MB (Lightweight MobileFaceNet (2022), Table 4), computed 3.70" in (
        printed
    )


def test_one_network_can_be_asked_for_as_json(capsys):
    assert command.main(["cost", "--json", "mobiface"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["network"], found["dim"], found["weights"]) == ("mobiface", 512, 2_267_776)
    assert sum(share["weights"] for share in found["shares"].values()) == pytest.approx(1)
    assert [each["agrees"] for each in found["stated"]] == [True]


def test_an_unknown_network_is_answered_with_the_names_there_are(capsys):
    assert command.main(["cost", "resnet"]) == 1
    assert "no network is called resnet; known: mobilenet-1-224" in capsys.readouterr().err


def test_the_command_explains_its_columns(capsys):
    with pytest.raises(SystemExit) as left:
        command.main(["cost", "--help"])
    assert left.value.code == 0
    assert "multiply-adds and memory accesses" in " ".join(capsys.readouterr().out.split())


def test_the_readme_shows_what_the_command_prints():
    assert cost.table() in (Path(cost.__file__).parent / "README.md").read_text("utf-8")
