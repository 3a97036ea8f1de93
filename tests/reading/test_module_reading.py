import pytest
import torch
from torch import nn
from torch.nn import functional

from archcost.errors import ArchcostError, ArchcostWarning
from archcost.networks import Graph, graph_work
from archcost.reading import read_network


class Function(nn.Module):
    """A module of its parts and what it does with them and its inputs."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *args, **kwargs):
        return self.function(self, *args, **kwargs)


def read(module, *shapes, **given):
    example = tuple(torch.zeros(shape) for shape in shapes)
    return read_network(module.eval(), example=example, **given)


def ops(graph: Graph) -> list[str]:
    return [
        node.attributes["kind"] if node.op in ("other", "activation", "unary", "binary", "reduce")
        else node.op
        for node in graph.nodes
        if node.op not in ("input", "constant")
    ]  # fmt: skip


def block(m, x):
    return m.norm(m.conv(x)).relu_() + x


def self_attention(m, x):
    q, k, v = m.qkv(x).reshape(2, 49, 3, 4, 16).permute(2, 0, 3, 1, 4).unbind(0)
    y = functional.scaled_dot_product_attention(q, k, v)
    return m.out(y.transpose(1, 2).reshape(2, 49, 64))


def squeeze_and_excite(m, x):
    return x * torch.sigmoid(m.up(functional.relu(m.down(x.mean((2, 3), keepdim=True)))))


def standardised(m, x):
    weight = m.weight - m.weight.mean((1, 2, 3), keepdim=True)
    return functional.conv2d(x, weight * m.gain, padding=1)


def conditional(m, x):
    weight = (m.route(x.mean((2, 3))) @ m.experts).reshape(8, 4, 3, 3)
    return functional.conv2d(x, weight, padding=1)


def tied(m, tokens):
    return functional.linear(m.embedding(tokens.long()), m.embedding.weight)


def parameter(*shape):
    return nn.Parameter(torch.zeros(shape))


# Module, shapes of its inputs, MACs and parameters counted by hand, its ops.
BY_HAND = {
    "strided convolution with bias": (
        nn.Conv2d(3, 16, 3, stride=2, padding=1), [(2, 3, 32, 32)],
        2 * 16 * 16 * 16 * 3 * 9, 16 * 3 * 9 + 16, ["conv"],
    ),
    "depthwise convolution": (
        nn.Conv2d(32, 32, 5, padding="same", groups=32, bias=False), [(1, 32, 14, 14)],
        32 * 14 * 14 * 25, 32 * 25, ["conv"],
    ),
    "grouped convolution along one axis": (
        nn.Conv1d(8, 12, 3, groups=4, bias=False), [(1, 8, 10)],
        12 * 8 * 2 * 3, 12 * 2 * 3, ["conv"],
    ),
    "transposed convolution": (
        nn.ConvTranspose2d(8, 4, 2, stride=2), [(1, 8, 7, 7)],
        8 * 7 * 7 * 4 * 4, 8 * 4 * 4 + 4, ["conv_transpose"],
    ),
    "residual block": (
        Function(block, conv=nn.Conv2d(8, 8, 3, padding=1, bias=False), norm=nn.BatchNorm2d(8)),
        [(1, 8, 6, 6)], 8 * 36 * 8 * 9, 8 * 8 * 9 + 2 * 8, ["conv", "batch_norm", "relu", "add"],
    ),
    "linear layers on tokens": (
        nn.Sequential(nn.LayerNorm(64), nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 64)),
        [(2, 49, 64)], 2 * 98 * 64 * 256, 2 * 64 + 64 * 256 + 256 + 256 * 64 + 64,
        ["layer_norm", "linear", "gelu", "linear"],
    ),
    "self-attention": (
        Function(self_attention, qkv=nn.Linear(64, 192), out=nn.Linear(64, 64)), [(2, 49, 64)],
        98 * 64 * 256 + 2 * 2 * 4 * 49 * 49 * 16, 64 * 192 + 192 + 64 * 64 + 64, None,
    ),
    "squeeze and excitation": (
        Function(squeeze_and_excite, down=nn.Conv2d(32, 8, 1), up=nn.Conv2d(8, 32, 1)),
        [(1, 32, 7, 7)], 2 * 32 * 8, 2 * 32 * 8 + 40,
        ["global_pool", "conv", "relu", "conv", "sigmoid", "multiply"],
    ),
    "two layers of LSTM": (
        Function(lambda m, x: m.lstm(x)[0], lstm=nn.LSTM(10, 20, 2, batch_first=True)),
        [(3, 7, 10)], 3 * 7 * 4 * (20 * 10 + 20 * 20 + 2 * 20 * 20),
        4 * (20 * 10 + 3 * 20 * 20 + 4 * 20), ["lstm"],
    ),
    "standardised weights": (
        Function(standardised, weight=parameter(8, 4, 3, 3), gain=parameter(8, 1, 1, 1)),
        [(1, 4, 5, 5)], 8 * 25 * 4 * 9, 8 * 4 * 9 + 8, ["conv"],
    ),
    "a convolution chosen by the image": (
        Function(conditional, route=nn.Linear(4, 3), experts=parameter(3, 8 * 4 * 9)),
        [(1, 4, 5, 5)], 4 * 3 + 3 * 288 + 8 * 25 * 36, 15 + 3 * 288,
        ["global_pool", "reshape", "linear", "linear", "reshape", "dynamic_conv"],
    ),
    "an embedding that is the last layer, too": (
        Function(tied, embedding=nn.Embedding(100, 16)), [(2, 5)],
        10 * 16 * 100, 1600, ["cast", "gather", "linear"],
    ),
    "patches with class token and positions": (
        Function(
            lambda m, x: torch.cat([m.token.expand(2, -1, -1), m.conv(x).flatten(2).mT], 1)
            + m.positions,
            conv=nn.Conv2d(3, 8, 4, 4), token=parameter(1, 1, 8), positions=parameter(1, 17, 8),
        ), [(2, 3, 16, 16)], 2 * 16 * 8 * 48, 8 * 48 + 8 + 8 + 17 * 8,
        ["conv", "reshape", "transpose", "concat", "add"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BY_HAND)
def test_work_counted_by_hand(case):
    module, shapes, macs, params, expected = BY_HAND[case]
    graph = read(module, *shapes)
    work = graph_work(graph)
    assert (work.macs, work.params) == (macs, params)
    assert work.params == sum(p.numel() for p in module.parameters())
    assert expected is None or ops(graph) == expected
    with torch.no_grad():
        assert graph.output_shapes == (module(*map(torch.zeros, shapes)).shape,)


def test_attention_stays_whole_unless_it_is_written_out():
    for need_weights in (False, True):
        attention = nn.MultiheadAttention(32, 4, batch_first=True)
        graph = read(
            Function(lambda m, x, n=need_weights: m.mha(x, x, x, need_weights=n)[0], mha=attention),
            (2, 10, 32),
        )
        work = graph_work(graph)
        assert work.macs == 20 * 32 * 128 + 2 * 2 * 4 * 10 * 10 * 8
        assert work.params == sum(p.numel() for p in attention.parameters())
        found = ops(graph)  # weights that are returned are products and a softmax, run one by one
        assert ("attention" in found, "softmax" in found) == (not need_weights, need_weights)


def test_an_encoder_layer_is_not_one_fused_op():
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    graph = read(layer, (2, 10, 32))
    assert {"attention", "linear", "layer_norm"} <= set(ops(graph))
    assert graph_work(graph).params == sum(p.numel() for p in layer.parameters())


def test_gated_recurrent_units():
    graph = read(Function(lambda m, x: m.gru(x)[0], gru=nn.GRU(10, 20)), (7, 3, 10))
    assert graph_work(graph).macs == 7 * 3 * 3 * (200 + 400)


def test_moves_are_not_lost():
    def moves(m, x):
        y = torch.roll(x, (2, 1), (2, 3))
        y = functional.pixel_shuffle(y, 2)
        a, b = y.chunk(2, 1)
        y = torch.stack([a, b[:, :, ::1]], 1)[:, 0]
        return functional.interpolate(functional.pad(y, (1, 1, 0, 2)), scale_factor=2)

    found = ops(read(Function(moves), (1, 8, 6, 6)))
    expected = ["split", "concat"] * 2 + ["transpose", "split", "pad", "resize"]
    for op in expected:
        found.remove(op)
    assert "other" not in found


def test_slices_with_steps():
    graph = read(Function(lambda m, x: x[:, 1::2]), (1, 8, 4))
    assert graph.nodes[-1].attributes == {"axis": 1, "start": 1, "step": 2}
    assert graph.output_shapes == ((1, 4, 4),)


def test_pooling():
    graph = read(
        Function(
            lambda m, x: functional.adaptive_avg_pool2d(
                functional.max_pool2d(x, 3, 2, ceil_mode=True), 2
            )
        ),
        (1, 4, 8, 8),
    )
    first, second = graph.nodes[1:]
    assert first.shape == (1, 4, 4, 4)
    assert first.attributes["padding"] == ((0, 1), (0, 1))  # what the last window lacks
    assert (second.op, second.attributes["kernel"]) == ("avg_pool", (2, 2))


def test_writing_in_place():
    def write(m, x):
        y = x * 2
        y[:, :1] += x[:, 1:2]
        return functional.relu(y, inplace=True)

    graph = read(Function(write), (1, 4, 4, 4))
    assert ops(graph) == ["multiply", "split", "split", "add", "write_part", "relu"]


def test_unknown_ops_are_named_with_their_shapes():
    graph = read(Function(lambda m, x: torch.fft.rfft2(x).abs()), (1, 4, 8, 8))
    assert graph.nodes[1].op == "other"
    assert graph.nodes[1].shape == (1, 4, 8, 5)


def test_several_inputs_by_place_and_by_name():
    module = Function(lambda m, x, y, scale=None: x @ y.mT * scale).eval()
    x, y, scale = torch.zeros(2, 3, 8), torch.zeros(2, 5, 8), torch.ones(1)
    one = read_network(module, example=(x, y, scale))
    assert one.input_shapes == ((2, 3, 8), (2, 5, 8), (1,))
    named = Function(lambda m, *, x, y: x + y).eval()
    assert read_network(named, example={"x": x, "y": x}).input_shapes == ((2, 3, 8),) * 2


def test_several_results():
    module = Function(lambda m, x: {"a": m.a(x), "b": [x.relu()]}, a=nn.Linear(4, 2))
    assert read(module, (1, 4)).output_shapes == ((1, 2), (1, 4))


def test_batch_size_and_shape():
    module = nn.Conv2d(3, 8, 3).eval()
    assert read_network(module, shape=(3, 8, 8)).input_shapes == ((1, 3, 8, 8),)
    graph = read_network(module, example=torch.zeros(1, 3, 8, 8), batch_size=16)
    assert graph.input_shapes == ((16, 3, 8, 8),)


def test_modules_without_weights_and_weights_are_left_alone():
    with torch.device("meta"):
        module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)).eval()
    assert graph_work(read(module, (1, 3, 8, 8))).params == 8 * 27 + 8 + 16
    real = nn.Linear(4, 4).eval()
    before = real.weight.clone()
    read(real, (1, 4))
    assert torch.equal(real.weight, before)


def test_training_mode_is_said_and_kept():
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.BatchNorm1d(4))
    with pytest.warns(ArchcostWarning, match="is read as in evaluation mode"):
        graph = read_network(module, example=torch.zeros(1, 4))
    assert module.training
    assert module[1].training
    assert ops(graph) == ["linear", "batch_norm"]


def test_exported_programs():
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 5)).eval()
    program = torch.export.export(module, (torch.zeros(1, 3, 8, 8),))
    assert read_network(program).digest == read(module, (1, 3, 8, 8)).digest


def test_refusals():
    module = nn.Linear(4, 4).eval()
    with pytest.raises(ArchcostError, match=r"must come with an example of its input"):
        read_network(module)
    with pytest.raises(ArchcostError, match=r"must run on its example, but on inputs .*\(1, 5\)"):
        read(module, (1, 5))
    chooses = Function(lambda m, x: x if x.sum() > 0 else -x)
    with pytest.raises(ArchcostError, match="must not depend on the values of its tensors"):
        read(chooses, (1, 4))
    with pytest.raises(ArchcostError, match="must return a tensor that depends on its input"):
        read(Function(lambda m, x: torch.ones(1)), (1, 4))
    with pytest.raises(ArchcostError, match="must be written in Python"), pytest.warns():
        read_network(torch.jit.trace(module, torch.zeros(1, 4)), example=torch.zeros(1, 4))
