"""Once-for-all, NATS-Bench's sizes and AutoFormer: forms, networks against formulas, errors."""

import itertools

import numpy as np
import pytest

from archcost.errors import ArchitectureError
from archcost.spaces import AutoFormerTiny, NATSBenchSize, OFAMobileNetV3, get_space, infer_space
from archcost.spaces.position_work import position_work

OFA, SIZES, FORMERS = OFAMobileNetV3(), NATSBenchSize(), AutoFormerTiny()
SPACES = [OFA, SIZES, FORMERS]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_forms_round_trip_and_samples_are_valid(space):
    assert get_space(space.name) == space  # known by its name from now on
    ops = space.sample(50, seed=1)
    assert space.valid(ops).all()
    for row, text in zip(ops, space.format_many(ops), strict=True):
        assert space.violation(row) is None
        assert space.parse(text).tolist() == row.tolist()
        assert infer_space(text) == space
        assert space.valid(space.neighbours(row)).all()


def test_sizes_are_in_published_order():
    order = itertools.product(range(8, 72, 8), repeat=5)
    strings = [":".join(map(str, channels)) for channels in order]
    assert len(strings) == SIZES.size == 32768
    assert SIZES.format_many(SIZES.all_ops) == strings
    for index in (0, 1, 8, 12345, 32767):
        assert SIZES.format(index) == strings[index]
        assert SIZES.index(strings[index]) == index


def cell_params(c_in, c):
    """Count one cell: 3x3 convolutions from node 0 twice, three within, and the skip."""
    conv = lambda a, b: 9 * a * b + 2 * b  # noqa: E731
    skip = 0 if c_in == c else c_in * c + 2 * c
    return 2 * conv(c_in, c) + 3 * conv(c, c) + skip


@pytest.mark.parametrize("channels", [(8, 16, 24, 32, 40), (64,) * 5, (64, 8, 8, 64, 56)])
def test_parameters_of_a_size(channels):
    a, b, c, d, e = channels
    total = 27 * a + 2 * a + cell_params(a, a)
    for c_in, width in ((a, b), (c, d)):
        total += 9 * c_in * width + 9 * width * width + 4 * width + c_in * width
    total += cell_params(b, c) + cell_params(d, e) + 2 * e + e * 10 + 10
    assert SIZES.workload(":".join(map(str, channels))).params == total


OFA_CONFIG = {"wid": None, "ks": [3, 5, 7, 7] * 5, "e": [3, 4, 6, 6] * 5, "d": [4, 2, 3, 4, 2],
              "r": [176]}  # fmt: skip


OFA_TEXT = "r224:w1.0:k3_e4,k3_e4" + ":k5_e6,k7_e3" * 4


def ofa_counts(config, width):
    """Count parameters and MACs layer by layer, from the paper's table alone."""

    def divisible(v):
        new = max(8, int(v + 4) // 8 * 8)
        return new + 8 if new < 0.9 * v else new

    params = macs = 0

    def conv(c_in, c_out, k, size, groups=1, norm=True, bias=False):
        nonlocal params, macs
        weights = k * k * c_in // groups * c_out
        params += weights + (2 * c_out if norm else 0) + (c_out if bias else 0)
        macs += weights * size * size

    size = (config["r"][0] + 1) // 2
    c = divisible(16 * width)
    conv(3, c, 3, size)
    conv(c, c, 3, size, c)
    conv(c, c, 1, size)
    for unit, (base, stride, squeeze) in enumerate(
        zip([24, 40, 80, 112, 160], [2, 2, 2, 1, 2], [0, 1, 0, 1, 1], strict=True)
    ):
        for block in range(config["d"][unit]):
            k, e = config["ks"][4 * unit + block], config["e"][4 * unit + block]
            mid, out = divisible(c * e), divisible(base * width)
            conv(c, mid, 1, size)
            if block == 0 and stride == 2:
                size = (size + 1) // 2
            conv(mid, mid, k, size, mid)
            if squeeze:
                less = divisible(mid // 4)
                conv(mid, less, 1, 1, norm=False, bias=True)
                conv(less, mid, 1, 1, norm=False, bias=True)
            conv(mid, out, 1, size)
            c = out
    final, head = divisible(960 * width), divisible(1280 * width)
    conv(c, final, 1, size)
    conv(final, head, 1, 1, norm=False)
    return params + head * 1000 + 1000, macs + head * 1000


@pytest.mark.parametrize("width", [None, 1.2])
@pytest.mark.parametrize("side", [128, 176, 224])
def test_once_for_all_network(width, side):
    config = {**OFA_CONFIG, "r": [side], "wid": width}
    work = OFA.workload(config)
    params, macs = ofa_counts(config, width or 1.0)
    assert work.params == params
    assert work.flops == 2 * macs
    assert OFA.graph(config).input_shapes == ((1, 3, side, side),)


def test_once_for_all_pads_absent_blocks():
    padded = {**OFA_CONFIG, "ks": list(OFA_CONFIG["ks"]), "e": list(OFA_CONFIG["e"])}
    for unit, depth in enumerate(OFA_CONFIG["d"]):
        for block in range(depth, 4):
            padded["ks"][4 * unit + block] = padded["e"][4 * unit + block] = 0
    text = OFA.format(OFA_CONFIG)
    assert OFA.format(padded) == text
    assert text.startswith("r176:w1.0:k3_e3,k5_e4,k7_e6,k7_e6:k3_e3,k5_e4:")
    assert infer_space(OFA_CONFIG, among=[get_space("ofa_mbv3").name]) == OFA


@pytest.mark.parametrize(
    ("depth", "features", "ratio", "heads"), [(12, 192, 3.5, 3), (14, 240, 4, 4)]
)
def test_transformer(depth, features, ratio, heads):
    config = {"layer_num": depth, "embed_dim": [features] * depth, "mlp_ratio": [ratio] * depth,
              "num_heads": [heads] * depth}  # fmt: skip
    wide, mlp = 64 * heads, int(ratio * features)
    attention = features * 3 * wide + 3 * wide + wide * features + features
    block = attention + 2 * features * mlp + mlp + features + 4 * features
    params = 768 * features + features + 198 * features + depth * block
    params += 2 * features + features * 1000 + 1000
    macs = 196 * 768 * features + features * 1000
    macs += depth * 197 * (features * 4 * wide + 2 * features * mlp + 2 * 197 * wide)
    work = FORMERS.workload(config)
    assert (work.params, work.flops) == (params, 2 * macs)


def test_no_new_space_is_additive():
    def macs(layer):
        return np.array([float(layer.macs)])

    for space in SPACES:
        work = position_work(space, space.default_dataset, macs)
        assert not work.is_additive, space


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_the_torch_module_runs_and_has_these_parameters(space):
    torch = pytest.importorskip("torch")
    for row in space.sample(2, seed=3):
        graph, module = space.graph(row), space.network(row)
        with torch.inference_mode():
            scores = module(torch.zeros(graph.input_shapes[0]))
        assert scores.shape == (1, space.datasets[0].n_classes)
        assert sum(p.numel() for p in module.parameters()) == space.workload(row).params


@pytest.mark.parametrize(
    ("space", "given", "message"),
    [
        (SIZES, "64:32:8:40:57", "multiple of 8 from 8 to 64, but got 57 .*nearest is 56"),
        (SIZES, "64:32:8:40", "5 ops"),
        (OFA, {**OFA_CONFIG, "ks": [3] * 16}, "'ks'.* must list 20 numbers"),
        (OFA, {**OFA_CONFIG, "d": [4, 2, 3, 4, 5]}, "a depth .*but got 5; the nearest is 4"),
        (OFA, {**OFA_CONFIG, "ks": [4] * 20}, "a kernel .*but got 4; the nearest is 3"),
        (OFA, {**OFA_CONFIG, "r": [130]}, "a resolution .*but got 130; the nearest is 128"),
        (OFA, {**OFA_CONFIG, "wid": 1.1}, "a width .*but got 1.1"),
        (OFA, {"ks": [3] * 20, "e": [3] * 20, "d": [2] * 5}, r"\['r'\] is missing from the"),
        (OFA, "r224:w1.0:k3_e3:k3_e3,k3_e3:k3_e3,k3_e3:k3_e3,k3_e3:k3_e3,k3_e3", "unit 1 .*has 1"),
        (OFA, {**OFA_CONFIG, "depth": 3}, "hold nothing but .* but got 'depth'.* leave it out"),
        (OFA, {**OFA_CONFIG, "r": [128, 160]}, "'r' .*a number or a list of one"),
        (OFA, {**OFA_CONFIG, "e": "333"}, "'e' .*must list 20 numbers, but got '333'"),
        (OFA, {**OFA_CONFIG, "num_classes": 10}, r"num_classes .*\[1000\], but got 10"),
        (OFA, OFA_TEXT.replace("r224", "r150"), "'resolution' .*but got 'r150'; .*is 'r148'"),
        (OFA, OFA_TEXT.replace("w1.0", "w1.1"), "'width' .*but got 'w1.1'; the nearest is"),
        (OFA, OFA_TEXT.replace("k3_e4", "k4_e4"), "'unit1_block1' .*'k4_e4'; .*is 'k3_e4'"),
        (OFA, OFA_TEXT + ",k3_e3" * 3, "2 to 4 blocks, but unit 5 .*has 5"),
        (OFA, OFA_TEXT.rpartition(":")[0], "like 'r224:w1.0.* has 6 parts"),
        (OFA, [0] * 21, r"must have 22 ops, but got shape \(21,\)"),
        (SIZES, [8, 16, 24, 32, 40], "channel counts, which are written '8:16:24:32:40'"),
        (SIZES, "64:32:8:40:72", "multiple of 8 from 8 to 64, but got 72 .*nearest is 64"),
        (SIZES, ["64", "32", "8", "40", "44"], "but got '44'; the nearest is '40'"),
        (SIZES, 32768, "between 0 and 32767, but got 32768"),
        (FORMERS, "d12:e200:" + ",".join(["m4_h3"] * 12), "'e200'; the nearest is 'e192'"),
        (FORMERS, "d12:e192:" + ",".join(["m4_h6"] * 12), "'m4_h6'; the nearest is 'm4_h4'"),
        (FORMERS, "d12:e192:" + ",".join(["m4_h3"] * 11), "'d12' and lists 11 blocks"),
        (FORMERS, "e192:m4_h3", "must read like 'd12:e192"),
        (FORMERS, {"layer_num": 12, "embed_dim": 192, "mlp_ratio": [4] * 13,
                   "num_heads": [3] * 12}, "'mlp_ratio' .*must list 12 numbers, but got 13"),
        (FORMERS, {"layer_num": 12, "embed_dim": 230, "mlp_ratio": [4] * 12,
                   "num_heads": [3] * 12}, "'embed_dim' .*but got 230; the nearest is 240"),
        (FORMERS, {"layer_num": 12, "embed_dim": 192, "mlp_ratio": [4] * 12}, "'num_heads'"),
        (FORMERS, "d13:e192:" + ",".join(["m4_h3"] * 12), "depth .*'d13' and lists 12 blocks"),
        (FORMERS, {"layer_num": 12, "embed_dim": 192, "mlp_ratio": [4] * 12,
                   "num_heads": [5] * 12}, "'num_heads' .*but got 5; the nearest is 4"),
        (FORMERS, {"layer_num": 11, "embed_dim": 192, "mlp_ratio": [4] * 11,
                   "num_heads": [3] * 11}, r"'layer_num' .*\[12, 13, 14\], but got 11; .*12"),
        (FORMERS, {"layer_num": 12, "embed_dim": [192] * 11 + [216], "mlp_ratio": [4] * 12,
                   "num_heads": [3] * 12}, "the same for all blocks"),
    ],
)  # fmt: skip
def test_errors_name_rule_value_and_nearest(space, given, message):
    with pytest.raises(ArchitectureError, match=message):
        space.parse(given)


def test_rules_name_the_remedy():
    ops = OFA.parse(OFA_CONFIG)
    ops[4] = OFA.op_names.index("absent")
    with pytest.raises(ArchitectureError, match=r"block 4 of unit 1 .* make block 4 absent too"):
        OFA.parse(ops)


def test_natsbench_config_dicts():
    config = {
        "name": "infer.shape.tiny",
        "channels": "64:32:8:40:56",
        "genotype": "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
        "|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        "num_classes": 100,
    }
    assert SIZES.format(config) == "64:32:8:40:56" and SIZES.dataset_of(config) == "cifar100"
    assert SIZES.format({"channels": [64, 32, 8, 40, 56]}) == "64:32:8:40:56"
    assert infer_space(config) == SIZES
    with pytest.raises(ArchitectureError, match="genotype of a config"):
        SIZES.parse(config | {"genotype": "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"})
    with pytest.raises(ArchitectureError, match="got 57 in '64:32:8:40:57'; the nearest is 56"):
        SIZES.parse({"channels": [64, 32, 8, 40, 57]})


@pytest.mark.parametrize("wrong", ["-8", "56.5", " 32", "0"])
def test_any_number_that_is_no_channel_count_names_the_rule(wrong):
    with pytest.raises(ArchitectureError, match="must be a multiple of 8 from 8 to 64"):
        SIZES.parse(f"64:32:8:40:{wrong}")


def test_two_widths_of_a_config_must_agree():
    config = dict(OFA_CONFIG, w=1.2)
    assert OFA.format(config)[:9] == "r176:w1.2"
    assert OFA.format(config | {"wid": [1.2]}) == OFA.format(config)
    with pytest.raises(ArchitectureError, match=r"must be the same width, but got 1\.2 and 1\.0"):
        OFA.parse(config | {"wid": 1.0})
