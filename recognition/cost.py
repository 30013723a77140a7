"""What a network costs, counted from its description, beside what its paper states.

Promise: every figure follows from the layers in `architectures`; a stated figure that no sensible reading
gives is shown with the computed one and the reason. Standard library only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import floor
from typing import Literal

from recognition.architectures import Kind, Layer, Network, networks

FLOAT32_BYTES = 4
WEIGHTED = (Kind.POINTWISE, Kind.DEPTHWISE, Kind.GLOBAL_DEPTHWISE, Kind.CONV, Kind.FULLY_CONNECTED, Kind.ECA)


@dataclass(frozen=True)
class Cost:
    """Counts for one image.

    `weights`: of convolutions and fully connected layers, without biases, as MobileNets' tables count.
    `parameters`: all that is learned: also biases, normalisation's scale and shift, PReLU's slopes.
    `folded`: the numbers left when each normalisation has become a bias; what an exported model holds.
    `stored`: the numbers in a training checkpoint: parameters and normalisation's running mean and variance.
    `mult_adds`: of layers with weights; pooling, activations, sums and ECA's rescaling are not counted.
    `flops`: the same work as the reader's notes on MobileNets count it: (2 n - 1) for a sum of n products.
    `memory_access`: after the same notes, for layers with weights: numbers read, written, and weights.
    """

    weights: int = 0
    parameters: int = 0
    folded: int = 0
    stored: int = 0
    mult_adds: int = 0
    flops: int = 0
    memory_access: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        mine, theirs = asdict(self), asdict(other)
        return Cost(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def file_megabytes(self) -> float:
        """The checkpoint as float32, in 10^6 bytes."""
        return FLOAT32_BYTES * self.stored / 1e6


def of_layer(layer: Layer) -> Cost:
    """The cost of one layer; equations (2), (4) and (5) of MobileNets, and the notes' formulas."""
    (side_in, side_out), (channels_in, channels_out) = layer.side, layer.channels
    if layer.kind is Kind.NORMALISATION:
        return Cost(parameters=2 * channels_in, folded=channels_in, stored=4 * channels_in)
    if layer.kind is Kind.PRELU:
        return Cost(parameters=channels_in, folded=channels_in, stored=channels_in)
    if layer.kind not in WEIGHTED:
        return Cost()
    read, written = side_in**2 * channels_in, side_out**2 * channels_out
    terms, outputs, weights = _products(layer)
    numbers = weights + (channels_out if layer.bias else 0)
    return Cost(
        weights=weights,
        parameters=numbers,
        folded=numbers,
        stored=numbers,
        mult_adds=terms * outputs,
        flops=(2 * terms - 1) * outputs,
        memory_access=read + written + weights,
    )


def of(layers: Network | Iterable[Layer]) -> Cost:
    """The cost of a network, or of some layers of one."""
    chosen = layers.layers if isinstance(layers, Network) else layers
    return sum((of_layer(layer) for layer in chosen), Cost())


def shares(network: Network) -> dict[Kind, tuple[float, float]]:
    """For each kind of layer with weights: its share (0 to 1) of the multiply-adds and of the weights."""
    whole = of(network)
    parts = {kind: of(layer for layer in network.layers if layer.kind is kind) for kind in WEIGHTED}
    return {
        kind: (part.mult_adds / whole.mult_adds, part.weights / whole.weights)
        for kind, part in parts.items()
        if part.weights
    }


def separable_saving(outputs: int, kernel: int) -> float:
    """Multiply-adds of a depthwise separable pair over those of a full convolution: 1 / N + 1 / D_K^2."""
    return 1 / outputs + 1 / kernel**2


def _products(layer: Layer) -> tuple[int, int, int]:
    """How many products each output sums, how many outputs there are, and how many weights."""
    (side_in, side_out), (channels_in, channels_out) = layer.side, layer.channels
    window, outputs = layer.kernel**2, side_out**2 * channels_out
    if layer.kind is Kind.FULLY_CONNECTED:
        inputs = side_in**2 * channels_in
        return inputs, outputs, inputs * channels_out
    if layer.kind is Kind.ECA:
        return layer.kernel, channels_in, layer.kernel
    if layer.kind in (Kind.DEPTHWISE, Kind.GLOBAL_DEPTHWISE):
        return window, outputs, window * channels_in
    return window * channels_in, outputs, window * channels_in * channels_out


Quantity = Literal["mult_adds", "weights", "folded", "file"]
WORDS: dict[Quantity, str] = {
    "mult_adds": "M mult-adds",
    "weights": "M weights",
    "folded": "M parameters",
    "file": "MB",
}


@dataclass(frozen=True)
class Claim:
    """A figure as a paper prints it: in millions, in MB, or in % where `kind` is given."""

    network: str
    quantity: Quantity
    stated: str
    source: str
    kind: Kind | None = None
    because: str = ""

    @property
    def computed(self) -> float:
        network = networks()[self.network]
        if self.kind:
            of_work, of_weights = shares(network)[self.kind]
            return 100 * (of_work if self.quantity == "mult_adds" else of_weights)
        cost = of(network)
        values: dict[Quantity, float] = {
            "mult_adds": cost.mult_adds / 1e6,
            "weights": cost.weights / 1e6,
            "folded": cost.folded / 1e6,
            "file": cost.file_megabytes,
        }
        return values[self.quantity]

    @property
    def digits(self) -> int:
        return len(self.stated.partition(".")[2])

    @property
    def agrees(self) -> bool:
        """Whether the computed figure, rounded or cut to the printed digits, is the stated one."""
        scale = 10**self.digits
        return float(self.stated) in (round(self.computed, self.digits), floor(self.computed * scale) / scale)

    def __str__(self) -> str:
        what = f"% of {WORDS[self.quantity][2:]} in {self.kind}" if self.kind else WORDS[self.quantity]
        return f"{self.stated} {what}"


def _pair(network: str, work: str, weights: str, source: str, *because: str) -> tuple[Claim, Claim]:
    why_work, why_weights = (*because, "", "")[:2]
    return (
        Claim(network, "mult_adds", work, source, because=why_work),
        Claim(network, "weights", weights, source, because=why_weights),
    )


_MISPRINT = "the rows of the table add up to 99.29 %; with 1.91 in place of 1.19 they reach 100"
_NO_LAST_LAYER = "the last layer is left out here (4866.27 without it), but not in the 569 beside it"
_NO_SETTING = "no width and resolution gives it"
_BY_RESOLUTION = "parameters do not depend on the resolution (Figure 5), yet those of one width differ here"
_DIM = "that is the size with the 512 outputs of the text (mobilefacenet-512); Table 1 and 0.99 M have 128"
_STEP = (
    "from 512 to 128 outputs with one block fewer in stages 1 and 3 the size falls from 4.88 MB to this; two "
    "more blocks of stage 3 would have to go to reach 3.1"
)
_SLOPES = (
    "h-ReLU6 has no parameters and PReLU has, so the size falls by 0.02 MB; the paper has it grow by 0.1"
)
_ECA = "the two convolutions of ECA have 3 and 5 weights, 32 bytes in all; the paper has it grow by 0.2 MB"
_FLIP = "two layers of 512 x 512 are 2.10 MB; the paper's 2.0 is that in MiB"
_FLAT = "a layer from 7x7x512 to 512 alone has 12.8 M weights, 51.4 MB; `mobiface` is the reading built"

CLAIMS: tuple[Claim, ...] = (
    *_pair("mobilenet-1-224", "569", "4.2", "Tables 4, 6 to 8"),
    *_pair("mobilenet-0.75-224", "325", "2.6", "Tables 5, 6"),
    *_pair("mobilenet-0.5-224", "149", "1.3", "Table 6"),
    *_pair("mobilenet-0.25-224", "41", "0.5", "Table 6"),
    *_pair("mobilenet-1-192", "418", "4.2", "Table 7"),
    *_pair("mobilenet-1-160", "290", "4.2", "Table 7"),
    *_pair("mobilenet-1-128", "186", "4.2", "Table 7"),
    *_pair("mobilenet-0.5-160", "76", "1.32", "Table 9"),
    *_pair("mobilenet-conv-1-224", "4866", "29.3", "Table 4", _NO_LAST_LAYER),
    *_pair("mobilenet-shallow-1-224", "307", "2.9", "Table 5"),
    Claim("mobilenet-1-224", "mult_adds", "94.86", "Table 2", Kind.POINTWISE),
    Claim("mobilenet-1-224", "mult_adds", "3.06", "Table 2", Kind.DEPTHWISE),
    Claim("mobilenet-1-224", "mult_adds", "1.19", "Table 2", Kind.CONV, _MISPRINT),
    Claim("mobilenet-1-224", "mult_adds", "0.18", "Table 2", Kind.FULLY_CONNECTED),
    Claim("mobilenet-1-224", "weights", "74.59", "Table 2", Kind.POINTWISE),
    Claim("mobilenet-1-224", "weights", "1.06", "Table 2", Kind.DEPTHWISE),
    Claim("mobilenet-1-224", "weights", "0.02", "Table 2", Kind.CONV),
    Claim("mobilenet-1-224", "weights", "24.33", "Table 2", Kind.FULLY_CONNECTED),
    *_pair("mobilenet-face-1-160", "286", "4.9", "Table 14", _NO_SETTING, _BY_RESOLUTION),
    *_pair("mobilenet-face-1-128", "185", "5.5", "Table 14", "", _BY_RESOLUTION),
    # The table names 0.75 MobileNet-128 twice; by its multiply-adds this row is the one with 160.
    *_pair("mobilenet-face-0.75-160", "166", "3.4", "Table 14", "", _BY_RESOLUTION),
    *_pair("mobilenet-face-0.75-128", "108", "3.8", "Table 14", _NO_SETTING, _BY_RESOLUTION),
    Claim("mobilefacenet", "folded", "0.99", "Table 2"),
    Claim("mobilefacenet", "file", "4.9", "Table 4", because=_DIM),
    Claim("mobilefacenet-512", "file", "4.9", "Table 4"),
    Claim("mobilefacenet-96", "file", "3.1", "Table 4", because=_STEP),
    Claim("mobilefacenet-96-hrelu6", "file", "3.2", "Table 4", because=_SLOPES),
    Claim("mobilefacenet-96-eca", "file", "3.4", "Table 4", because=_ECA),
    Claim("mobiface", "file", "9.3", "Table 2"),
    Claim("flipped-mobiface", "file", "11.3", "Table 2", because=_FLIP),
    Claim("mobiface-flat", "file", "9.3", "Table 2", because=_FLAT),
)

_GROUPS = {
    "1x1": (Kind.POINTWISE,),
    "depthwise": (Kind.DEPTHWISE, Kind.GLOBAL_DEPTHWISE),
    "3x3": (Kind.CONV,),
    "connected": (Kind.FULLY_CONNECTED,),
}


def chosen(names: Sequence[str]) -> list[Network]:
    """The networks of these names, or all. Raises ValueError with the names there are."""
    known = networks()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no network is called {', '.join(unknown)}; known: {', '.join(known)}")
    return [known[name] for name in names] if names else list(known.values())


def table(names: Sequence[str] = ()) -> str:
    """A Markdown table of the networks, then each stated figure that differs, with the reason."""
    wanted = chosen(names)
    head = ["network", "input", "M parameters", "M weights", "M mult-adds", "M accesses", "MB"]
    rows = [[*head, *(f"{group} %" for group in _GROUPS), "the paper"]]
    rows += [_row(network) for network in wanted]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    papers = {network.name: network.paper for network in wanted}
    notes = [
        f"- {claim.network}: stated {claim} ({papers[claim.network]}, {claim.source}), computed "
        f"{claim.computed:.{claim.digits + 1}f}: {claim.because}."
        for claim in CLAIMS
        if claim.network in papers and not claim.agrees
    ]
    return "\n".join([*lines, "", *notes] if notes else lines)


def report(names: Sequence[str] = ()) -> list[dict[str, object]]:
    """The same for programs: one object a network, every count exact."""
    return [
        {
            "network": network.name,
            "paper": network.paper,
            "input": network.size,
            "dim": network.dim,
            **asdict(of(network)),
            "file_megabytes": of(network).file_megabytes,
            "shares": {
                kind.value: {"mult_adds": work, "weights": weights}
                for kind, (work, weights) in shares(network).items()
            },
            "stated": [
                {
                    "figure": str(claim),
                    "source": claim.source,
                    "computed": claim.computed,
                    "agrees": claim.agrees,
                    "because": claim.because,
                }
                for claim in CLAIMS
                if claim.network == network.name
            ],
        }
        for network in chosen(names)
    ]


def _row(network: Network) -> list[str]:
    cost, parts = of(network), shares(network)
    groups = []
    for kinds in _GROUPS.values():
        found = [parts.get(kind, (0.0, 0.0)) for kind in kinds]
        groups.append(" / ".join(f"{100 * sum(pair[side] for pair in found):.2f}" for side in (0, 1)))
    stated = (
        f"{claim}{'' if claim.agrees else ' ≠'}"
        for claim in CLAIMS
        if claim.network == network.name and not claim.kind
    )
    millions = (cost.parameters, cost.weights, cost.mult_adds, cost.memory_access)
    numbers = [f"{count / 1e6:.2f}" for count in millions]
    return [
        network.name,
        str(network.size),
        *numbers,
        f"{cost.file_megabytes:.2f}",
        *groups,
        "; ".join(stated),
    ]
