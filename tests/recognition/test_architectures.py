"""The descriptions, compared with the papers' tables as they are printed."""

from dataclasses import replace

import pytest

from recognition.architectures import (
    Join,
    Kind,
    eca_kernel,
    fast_facenet,
    mobilefacenet,
    mobilenet,
    mobilenet_face,
    networks,
    with_relu6,
)

ALL = list(networks().values())
FILTERS = (Kind.CONV, Kind.DEPTHWISE, Kind.POINTWISE, Kind.GLOBAL_DEPTHWISE, Kind.FULLY_CONNECTED)
ACTIVATIONS = (Kind.RELU, Kind.RELU6, Kind.PRELU, Kind.H_RELU6)


def filters(network):
    return [layer for layer in network.layers if layer.kind in FILTERS]


def kinds_of_filters(block):
    return [layer.kind for layer in block.layers if layer.kind in FILTERS]


def bottlenecks(network):
    three = [Kind.POINTWISE, Kind.DEPTHWISE, Kind.POINTWISE]
    return [block for block in network.blocks if kinds_of_filters(block) == three]


def the(name):
    return networks()[name]


@pytest.mark.parametrize("network", ALL, ids=lambda network: network.name)
def test_each_layer_takes_what_the_one_before_it_gives(network):
    side, channels = network.size, 3
    for layer in network.layers:
        assert (layer.side[0], layer.channels[0]) == (side, channels)
        assert layer.side[1] == (
            1
            if layer.kind in (Kind.GLOBAL_DEPTHWISE, Kind.AVERAGE_POOL, Kind.FULLY_CONNECTED)
            else -(-side // layer.stride)
        )
        if layer.kind not in (Kind.CONV, Kind.POINTWISE, Kind.FULLY_CONNECTED):
            assert layer.channels[0] == layer.channels[1]
        side, channels = layer.side[1], layer.channels[1]
    assert (side, channels) == (1, network.dim)


@pytest.mark.parametrize("network", ALL, ids=lambda network: network.name)
def test_a_sum_joins_equal_shapes_in_every_block_that_keeps_its_shape(network):
    for block in network.blocks:
        first, last = block.layers[0], block.layers[-1]
        keeps = (first.side[0], first.channels[0]) == (last.side[1], last.channels[1])
        assert (block.join is Join.ADD) == (keeps and block in bottlenecks(network))


def test_mobilenet_has_the_rows_of_table_1():
    conv, dw, pw, fc = Kind.CONV, Kind.DEPTHWISE, Kind.POINTWISE, Kind.FULLY_CONNECTED
    printed = [
        (conv, 2, 3, 32, 224),
        (dw, 1, 32, 32, 112),
        (pw, 1, 32, 64, 112),
        (dw, 2, 64, 64, 112),
        (pw, 1, 64, 128, 56),
        (dw, 1, 128, 128, 56),
        (pw, 1, 128, 128, 56),
        (dw, 2, 128, 128, 56),
        (pw, 1, 128, 256, 28),
        (dw, 1, 256, 256, 28),
        (pw, 1, 256, 256, 28),
        (dw, 2, 256, 256, 28),
        (pw, 1, 256, 512, 14),
        *[(dw, 1, 512, 512, 14), (pw, 1, 512, 512, 14)] * 5,
        (dw, 2, 512, 512, 14),
        (pw, 1, 512, 1024, 7),
        (dw, 1, 1024, 1024, 7),  # printed with stride 2, but its output is 7x7
        (pw, 1, 1024, 1024, 7),
        (fc, 1, 1024, 1000, 1),
    ]
    built = [(layer.kind, layer.stride, *layer.channels, layer.side[0]) for layer in filters(mobilenet())]
    assert built == printed
    assert len(built) == 28


@pytest.mark.parametrize("alpha", [1, 0.75, 0.5, 0.25])
def test_the_width_multiplier_thins_every_layer_but_the_input_and_the_output(alpha):
    whole, thin = filters(mobilenet()), filters(mobilenet(alpha))
    for wide, narrow in zip(whole[1:-1], thin[1:-1], strict=True):
        assert narrow.channels == tuple(alpha * width for width in wide.channels)
    assert (thin[0].channels, thin[-1].channels) == ((3, 32 * alpha), (1024 * alpha, 1000))


def test_the_face_variant_differs_from_the_classifier_in_its_last_layer_only():
    classifier, face = mobilenet(0.5, 160), mobilenet_face(0.5, 160)
    assert face.layers[:-1] == classifier.layers[:-1]
    assert face.layers[-1] == replace(classifier.layers[-1], channels=(512, 128))


@pytest.mark.parametrize("theta", [0.25, 0.5, 0.75, 1])
def test_fast_facenet_is_mobilenet_with_128_numbers_of_unit_length(theta):
    network = fast_facenet(theta)
    assert (network.size, network.dim) == (224, 128)
    assert network.layers[:-1] == mobilenet_face(theta, 224).layers
    assert network.layers[-1].kind is Kind.L2


def test_mobilefacenet_has_the_rows_of_table_1():
    network = the("mobilefacenet")
    rows = [
        (*(block.layers[0].side[0], block.layers[0].channels[0]), block.layers[0].channels[1])
        for block in bottlenecks(network)
    ]
    assert rows == [
        (56, 64, 128),
        *[(28, 64, 128)] * 4,
        (28, 64, 256),
        *[(14, 128, 256)] * 6,
        (14, 128, 512),
        *[(7, 128, 256)] * 2,
    ]
    first, last = filters(network)[:2], filters(network)[-3:]
    assert [(layer.kind, layer.side, layer.channels) for layer in [*first, *last]] == [
        (Kind.CONV, (112, 56), (3, 64)),
        (Kind.DEPTHWISE, (56, 56), (64, 64)),
        (Kind.POINTWISE, (7, 7), (128, 512)),
        (Kind.GLOBAL_DEPTHWISE, (7, 1), (512, 512)),
        (Kind.POINTWISE, (1, 1), (512, 128)),
    ]


def test_the_restructured_network_has_one_bottleneck_fewer_in_stages_1_and_3():
    def by_stage(network):
        widths = [(block.layers[0].channels[0], block.layers[-1].side[1]) for block in bottlenecks(network)]
        return {shape: widths.count(shape) for shape in widths}

    assert by_stage(the("mobilefacenet")) == {(64, 28): 5, (64, 14): 1, (128, 14): 6, (128, 7): 3}
    assert by_stage(the("mobilefacenet-96")) == {(64, 24): 4, (64, 12): 1, (128, 12): 5, (128, 6): 3}


def test_each_step_of_the_ablation_changes_one_thing():
    restructured, h_relu6, eca = (
        the(name) for name in ("mobilefacenet-96", "mobilefacenet-96-hrelu6", "mobilefacenet-96-eca")
    )
    for before, after in zip(restructured.layers, h_relu6.layers, strict=True):
        assert after in (before, replace(before, kind=Kind.H_RELU6))
    for block in bottlenecks(h_relu6):
        assert {layer.kind for layer in block.layers if layer.kind in ACTIVATIONS} == {Kind.H_RELU6}
    assert [layer for layer in eca.layers if layer.kind is not Kind.ECA] == list(h_relu6.layers)
    marked = [any(layer.kind is Kind.ECA for layer in block.layers) for block in bottlenecks(eca)]
    assert marked == [True, *[False] * (len(marked) - 2), True]


@pytest.mark.parametrize(("channels", "kernel"), [(1, 1), (32, 3), (64, 3), (128, 5), (256, 5), (512, 5)])
def test_eca_looks_as_far_as_the_number_of_channels_asks(channels, kernel):
    assert eca_kernel(channels) == kernel


def test_mobiface_has_the_rows_of_table_1():
    rows = [
        (block.layers[0].side[0], block.layers[0].channels, block.layers[-1].channels[1], block.join)
        for block in bottlenecks(the("mobiface-flat"))
    ]
    block, repeated = Join.NONE, Join.ADD
    assert rows == [
        (56, (64, 128), 64, block),
        *[(28, (64, 128), 64, repeated)] * 2,
        (28, (64, 256), 128, block),
        *[(14, (128, 256), 128, repeated)] * 3,
        (14, (128, 512), 256, block),
        *[(7, (256, 512), 256, repeated)] * 6,
    ]
    assert [(layer.kind, layer.side, layer.channels) for layer in filters(the("mobiface-flat"))[-2:]] == [
        (Kind.POINTWISE, (7, 7), (256, 512)),
        (Kind.FULLY_CONNECTED, (7, 1), (512, 512)),
    ]


def test_flipped_mobiface_adds_two_layers_whose_answer_is_averaged_with_the_embedding():
    plain, flipped = the("mobiface"), the("flipped-mobiface")
    assert flipped.blocks[:-1] == plain.blocks
    assert flipped.blocks[-1].join is Join.MEAN
    kinds = [layer.kind for layer in flipped.blocks[-1].layers]
    assert kinds == [Kind.FULLY_CONNECTED, Kind.RELU, Kind.FULLY_CONNECTED]
    assert all(layer.channels == (512, 512) for layer in flipped.blocks[-1].layers)


def test_relu6_can_stand_in_for_prelu_and_nothing_else_changes():
    network = mobilefacenet()
    for before, after in zip(network.layers, with_relu6(network).layers, strict=True):
        expected = replace(before, kind=Kind.RELU6) if before.kind is Kind.PRELU else before
        assert after == expected
    assert Kind.PRELU not in {layer.kind for layer in with_relu6(network).layers}
    assert with_relu6(network).name == "mobilefacenet-relu6"
