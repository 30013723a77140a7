"""From one trained network to the start of another: same answers as far as the new shape allows.

Promise: what is transplanted was trained by this project; a change of activation or attention, and wider
layers, hardly alter an answer by themselves: blocks left out and another resolution do.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognition.alignment import inner_corner
from recognition.architectures import Join
from recognition.training.networks import Convolution, ConvUnit, GlobalDepthwise, StagedNetwork
from recognition.training.papers import ChannelAttention, FullyConnected, PaperNetwork

# h-ReLU6 of s x is nearly s ReLU(x) where s is large, and as smooth as the paper means it where s is 1.
SHARPNESS = 4.0


@torch.no_grad()
def fold(network: PaperNetwork) -> PaperNetwork:
    """The same network without batch normalisation: its scale and shift go into the convolutions, in place.

    In evaluation both give the same answers; training the folded one is quicker, and it exports as it is.
    """
    for stage in network.stages:
        layers = list(stage.layers)
        kept: list[nn.Module] = []
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                kept.append(_with_bias(layer))
            elif isinstance(layer, nn.BatchNorm2d):
                scale = layer.weight / torch.sqrt(layer.running_var + layer.eps)
                conv = kept[-1]
                conv.weight *= scale[:, None, None, None]
                conv.bias.sub_(layer.running_mean).mul_(scale).add_(layer.bias)
            else:
                kept.append(layer)
        stage.layers = nn.Sequential(*kept)
    return network


def _with_bias(conv: nn.Conv2d) -> Convolution:
    new = Convolution(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        conv.stride,
        conv.padding,
        groups=conv.groups,
    )
    new.weight.copy_(conv.weight)
    new.bias.zero_() if conv.bias is None else new.bias.copy_(conv.bias)
    return new


def blocks_of(trained: StagedNetwork) -> list[list[nn.Conv2d]]:
    """The convolutions of our MobileFaceNet by block: the stem, each bottleneck, the head."""
    convs = [
        [part.conv for part in stage.modules() if isinstance(part, ConvUnit | GlobalDepthwise)]
        for stage in trained.stages
    ]
    return [convs[0][:2], convs[0][2:], *convs[1:]]


def spread(given: int, wanted: int) -> list[int]:
    """Which of `given` blocks in a row `wanted` ones stand for: the first, the last, and evenly between."""
    if wanted >= given:
        return list(range(given))
    return [round(index * (given - 1) / (wanted - 1)) for index in range(wanted)]


@torch.no_grad()
def transplant(trained: StagedNetwork, student: PaperNetwork) -> None:
    """Give the folded `student`, of MobileFaceNet's kin, the layers of `trained`.

    Where it has fewer blocks in a row it gets evenly spread ones. Where it has more or wider ones, the new
    part starts at random and adds nothing at first.
    """
    given = blocks_of(trained)
    keep: list[int | None] = [0]
    first = 1
    for ours, theirs in zip(rows(given), rows(convs_of(student)), strict=True):
        keep += [first + index for index in spread(ours, theirs)]
        keep += [None] * max(theirs - ours, 0)
        first += ours
    keep.append(len(given) - 1)
    for index, convs, stage in zip(keep, convs_of(student), student.stages, strict=False):
        if index is None:
            convs[-1].weight.zero_()
            continue
        for conv, source in zip(convs, given[index], strict=False):  # MobiFace's head ends a layer earlier
            _copy(conv, source)
        _compensate(stage.layers)


def convs_of(student: PaperNetwork) -> list[list[nn.Conv2d]]:
    """The convolutions of each stage that has any."""
    found = [[layer for layer in stage.layers if isinstance(layer, nn.Conv2d)] for stage in student.stages]
    return [convs for convs in found if convs]


def rows(blocks: list[list[nn.Conv2d]]) -> list[int]:
    """How many bottlenecks there are at each size of map; each row begins with one that halves it."""
    lengths: list[int] = []
    for block in blocks[1:-1]:
        if block[1].stride == (2, 2):
            lengths.append(0)
        lengths[-1] += 1
    return lengths


def _copy(conv: nn.Conv2d, source: nn.Conv2d) -> None:
    weight = source.weight
    if conv.kernel_size != source.kernel_size:  # the global layer, on what a smaller window leaves of its map
        weight = _windowed(weight, conv.kernel_size[0])
    out, into = weight.shape[:2]
    if conv.groups == 1:
        conv.weight[:, into:] *= 0.3  # what reads new channels starts small
        conv.weight[:out, into:].zero_()
    conv.weight[:out, :into] = weight
    conv.bias[:out] = source.bias
    if out < conv.out_channels and conv.out_channels < conv.in_channels:
        conv.weight[out:].zero_()  # a projection adds nothing new at first


def _windowed(weight: Tensor, side: int) -> Tensor:
    """A global layer's (C, 1, 7, 7) weights at the (side, side) places that a window of 16 times as many
    pixels leaves; between two of its own places, in proportion."""
    for axis, offset in zip((2, 3), inner_corner(16 * side), strict=True):
        places = torch.arange(side) + offset / 16
        low = places.floor().long()
        share = (places - low).view(-1, *[1] * (3 - axis))
        high = (low + 1).clamp(max=weight.shape[axis] - 1)
        weight = weight.index_select(axis, low) * (1 - share) + weight.index_select(axis, high) * share
    return weight


def _compensate(layers: nn.Sequential) -> None:
    """Make the block answer as it did with ReLU alone: scale the convolutions around h-ReLU6 and ECA."""
    gain, last = 1.0, None
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            layer.weight /= gain
            gain, last = 1.0, layer
        elif isinstance(layer, nn.Hardswish) and last is not None:
            last.weight *= SHARPNESS
            last.bias *= SHARPNESS
            gain = SHARPNESS
        elif isinstance(layer, nn.PReLU):
            layer.weight.zero_()  # as ReLU at first
        elif isinstance(layer, ChannelAttention) and last is not None:
            layer.conv.weight.zero_()  # a sigmoid of 0 halves every channel
            last.weight *= 2
            last.bias *= 2


@torch.no_grad()
def unfold(folded: PaperNetwork, pixels: Tensor) -> PaperNetwork:
    """The same network with batch normalisation after its convolutions, in training mode, set by `pixels` so
    that it answers as before on them. Plain stacks of layers learn in fewer steps with it; `fold` undoes it.
    """
    network = PaperNetwork(folded.description).to(memory_format=torch.channels_last)
    x = network.normalise(pixels)
    for stage, source in zip(network.stages, folded.stages, strict=True):
        sources = [layer for layer in source.layers if any(True for _ in layer.parameters())]
        start, offset = x, torch.zeros(1)
        for layer in stage.layers:
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.copy_(x.std((0, 2, 3), unbiased=False))
                layer.bias.copy_(x.mean((0, 2, 3)) + offset)
                layer.running_mean.copy_(x.mean((0, 2, 3)))
                layer.running_var.copy_(x.var((0, 2, 3)))
            elif isinstance(layer, nn.Conv2d):
                given = sources.pop(0)
                layer.weight.copy_(given.weight)
                offset = given.bias
            elif any(True for _ in layer.parameters()):
                layer.load_state_dict(sources.pop(0).state_dict())
            x = layer(x)
        if stage.description.join is not Join.NONE:
            x = start + x
    return network


@torch.no_grad()
def settle(network: PaperNetwork, batches: Iterable[Tensor]) -> None:
    """Set the statistics of normalisation to their mean over `batches`, for the weights as they are now."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    network.train()
    for pixels in batches:
        network(pixels)
    network.eval()


@torch.no_grad()
def adopt(source: PaperNetwork, student: PaperNetwork, pixels: Tensor) -> None:
    """Give the folded `student` the layers of a folded network that differs in activation, attention, input
    size (where nothing depends on it) or a last scaling only.

    Where the student has ReLU6 for h-ReLU6, the layers around it are scaled back; where it lacks ECA, what
    ECA does to `pixels` on average goes into the projection before. PReLU in place of ReLU6 begins as ReLU.
    """
    x = source.eval().normalise(pixels)
    for given, stage in zip(source.stages, student.stages, strict=False):
        smooth, sharp = (
            any(isinstance(layer, nn.Hardswish) for layer in each.layers) for each in (given, stage)
        )
        gain = SHARPNESS if smooth and not sharp else 1.0
        theirs = [layer for layer in given.layers if isinstance(layer, nn.Conv2d)]
        ours = [layer for layer in stage.layers if isinstance(layer, nn.Conv2d)]
        for index, (conv, other) in enumerate(zip(ours, theirs, strict=True)):
            last = index == len(ours) - 1
            conv.weight.copy_(other.weight * (gain if index else 1) / (1 if last else gain))
            conv.bias.copy_(other.bias / (1 if last else gain))
        for index, layer in enumerate(given.layers):
            kept = isinstance(layer, ChannelAttention) and len(stage.layers) == len(given.layers)
            if kept or isinstance(layer, FullyConnected):
                stage.layers[index].load_state_dict(layer.state_dict())
            elif isinstance(layer, ChannelAttention):
                inner = given.layers[:-1](x)
                share = torch.sigmoid(layer.conv(inner.mean((2, 3))[:, None]))[:, 0].mean(0)
                ours[-1].weight *= share[:, None, None, None]
                ours[-1].bias *= share
        for layer in stage.layers:
            if isinstance(layer, nn.PReLU):
                layer.weight.zero_()
        x = given(x)


@torch.no_grad()
def broaden(source: PaperNetwork, student: PaperNetwork, *, seed: int = 0) -> None:
    """Give the folded `student` the layers of a narrower folded network in one row: the same answers.

    New channels are copies of the first ones, and what reads a channel shares its weight among the copies
    (Net2Net, Chen, Goodfellow and Shlens, ICLR 2016). The shares are drawn, differently for each reader, so
    that the copies learn different things. Raises ValueError where channels would have to go.
    """
    chance = torch.Generator().manual_seed(seed)
    origin = torch.arange(3)
    for given, layer in zip(_learnt(source), _learnt(student), strict=True):
        weight, grouped = given.weight, isinstance(layer, nn.Conv2d) and layer.groups > 1
        if not grouped:
            weight = weight[:, origin] * _shares(origin, len(weight), chance).view(
                len(weight), -1, *[1] * (weight.dim() - 2)
            )
            if len(layer.weight) < len(weight):
                raise ValueError(f"{len(weight)} channels do not fit into {len(layer.weight)}")
            origin = torch.arange(len(layer.weight)) % len(weight)
        layer.weight.copy_(weight[origin])
        layer.bias.copy_(given.bias[origin])


def channels(network: PaperNetwork) -> list[int]:
    """How many channels each layer gives that learns."""
    return [len(layer.weight) for layer in _learnt(network)]


def _learnt(network: PaperNetwork) -> list[nn.Conv2d | FullyConnected]:
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | FullyConnected)]


def _shares(origin: Tensor, readers: int, chance: torch.Generator) -> Tensor:
    """(readers, len(origin)) factors around 1 / copies; those of the copies of one channel sum to 1."""
    copies = functional.one_hot(origin).float()
    drawn = 1 + 0.5 * torch.randn(readers, len(origin), generator=chance)
    count = copies.sum(0)
    mean = (drawn @ copies) / count
    return ((drawn - mean[:, origin]) + 1) / count[origin]
