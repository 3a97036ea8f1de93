import numpy as np
import pytest

from archcost.errors import ArchcostError, UnknownNameError
from archcost.networks import GraphBuilder
from archcost.networks.graph_builder import Value


@pytest.fixture
def builder():
    return GraphBuilder(chosen={"first": "k3", "second": "k5"})


def test_labels_are_those_of_the_surrounding_blocks(builder):
    x = builder.input((3, 8, 8))
    with builder.at(part="stem"):
        x = builder.conv(x, 4, name="a")
    with builder.at(stage=2):
        with builder.at("second"):
            x = builder.relu(x)
        with builder.at(0, "tail"):
            x = builder.relu(x)
        x = builder.relu(x)
    nodes = builder.graph(x).nodes
    assert [(node.position, node.stage, node.part) for node in nodes] == [
        (None, 0, ""), (None, 0, "stem"), (1, 2, "k5"), (0, 2, "tail"), (None, 2, ""),
    ]  # fmt: skip
    with pytest.raises(UnknownNameError, match=r"position must be one of.*'secnd'.*'second'"):  # noqa: SIM117
        with builder.at("secnd"):
            pass


def test_unknown_ops_become_other_ones(builder):
    x = builder.node("fancy", [builder.input((3, 8, 8))], (1, 3, 4, 4), size=2)
    y = builder.other("strange", x, shape=(1, 5), macs=7, params=11)
    fancy, strange = builder.graph(y).nodes[1:]
    assert (fancy.op, fancy.attributes) == ("other", {"kind": "fancy", "size": 2})
    assert (strange.op, strange.shape, strange.attributes["kind"]) == ("other", (1, 5), "strange")


def test_shapes_per_axis(builder):
    x = builder.input((4, 32, 20))
    y = builder.conv(x, 6, (3, 5), stride=(2, 1), dilation=(1, 2), groups=2, name="a")
    assert y.shape == (1, 6, 16, 20)
    y = builder.conv(x, np.int64(6), (3, 5), padding=((0, 2), (1, 1)), name="b")
    assert y.shape == (1, 6, 32, 18)
    assert y.channels == 6
    assert builder.max_pool(x, 2).shape == (1, 4, 16, 10)
    assert builder.conv(builder.input((4, 9)), 3, 3, stride=2, name="c").shape == (1, 3, 5)
    assert builder.concat(x, x, x).shape == (1, 12, 32, 20)
    assert builder.concat(x, x, axis=-1).shape == (1, 4, 32, 40)
    assert builder.pad(x, ((1, 0), 2)).shape == (1, 4, 33, 24)
    assert builder.matmul(x, builder.transpose(x, (0, 1, 3, 2))).shape == (1, 4, 32, 32)


@pytest.mark.parametrize(
    ("append", "message"),
    [
        (lambda b, x: b.conv(x, 5, groups=2, name="a"), "groups of a convolution must divide"),
        (lambda b, x: b.conv(x, 4, 3, padding=0, name="a"), "a window must fit into its input"),
        (lambda b, x: b.conv(x, 4, 0, name="a"), "must be 1 or more"),
        (lambda b, x: b.conv(x, 4, (3, 3, 3), name="a"), "a number for each of 2 axes"),
        (lambda b, x: b.conv(b.flatten(x), 4, name="a"), r"\(batch, channels, height, width\)"),
        (lambda b, x: b.conv(b.conv(x, 4, name="a"), 4, name="a"), "'a' again; number the ops"),
        (lambda b, x: b.linear(x, 4, name=""), "must have a name of their own, but got ''"),
        (
            lambda b, x: b.add(x, b.concat(x, x)),
            r"must be equal.*\(1, 4, 2, 2\) and \(1, 8, 2, 2\)",
        ),
        (lambda b, x: b.concat(x, b.flatten(x)), "must agree but for axis 1"),
        (lambda b, x: b.reshape(x, (5,)), r"as many elements as \(1, 4, 2, 2\), but got \(1, 5\)"),
        (lambda b, x: b.split(x, 3, 2), "within the 4 elements of axis 1, but got 3 to 5"),
        (lambda b, x: b.transpose(x, (0, 1)), "axes must be those"),
        (lambda b, x: b.channel_shuffle(x, 3), "groups of a shuffle must divide"),
        (lambda b, x: b.group_norm(x, 3, name="a"), "groups of a normalisation must divide"),
        (lambda b, x: b.matmul(x, b.flatten(x)), "as many columns"),
        (lambda b, x: b.attention(x, x, b.split(x, 0, 1, axis=2)), "the same tokens"),
        (lambda b, x: b.activation(x, "rel"), "activation must be one of"),
        (lambda b, x: b.resize(x, 4, "cubic"), "mode must be one of"),
        (lambda b, x: b.relu(Value(7, (1,))), "must be a result of the same builder"),
        (lambda b, x: b.input((3,), precision="fp12"), "precision must be one of"),
    ],
)
def test_bad_input_is_refused(builder, append, message):
    x = builder.input((4, 2, 2))
    with pytest.raises((ArchcostError, UnknownNameError), match=message):
        append(builder, x)
