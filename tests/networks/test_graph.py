import dataclasses
import pickle

import pandas as pd
import pytest
from some_networks import embedded, mobile, transformer

from archcost.networks import Graph, GraphBuilder
from archcost.spaces import get_space

GRAPHS = [mobile(), transformer(batch_size=3), embedded(), get_space("nasbench201").graph(5)]


def small(channels=4, name="conv", kind="relu", shared=False):
    builder = GraphBuilder()
    x = builder.conv(builder.input((4, 8, 8)), channels, 3, name=name)
    x = builder.node("conv", [x], x.shape, name=name if shared else f"{name}2",
                     **builder.graph(x).nodes[x.place].attributes)  # fmt: skip
    return builder.graph(builder.activation(x, kind))


@pytest.mark.parametrize("graph", GRAPHS, ids=repr)
def test_json_and_rows_keep_everything(graph, tmp_path):
    assert Graph.from_json(graph.to_json()) == graph
    assert Graph.from_rows(reversed(graph.rows())) == graph
    pd.DataFrame(graph.rows()).to_parquet(tmp_path / "graph.parquet")
    read = pd.read_parquet(tmp_path / "graph.parquet").to_dict("records")
    assert Graph.from_rows(read) == graph
    assert Graph.from_rows(read).digest == graph.digest
    assert pickle.loads(pickle.dumps(graph)) == graph
    assert hash(Graph.from_json(graph.to_json())) == hash(graph)


def test_digest_is_that_of_what_is_computed():
    assert small().digest == small(name="other").digest
    others = [small(kind="relu6"), small(channels=8), small(shared=True)]
    assert len({graph.digest for graph in (small(), *others)}) == 4
    # A fixed value: digests are kept in tables.
    assert small().digest.startswith("f8b177b7c684edac")


def test_graphs_cannot_be_changed():
    graph = small()
    with pytest.raises(dataclasses.FrozenInstanceError):
        graph.nodes = ()
    with pytest.raises(dataclasses.FrozenInstanceError):
        graph.nodes[0].op = "conv"


def test_shapes_and_users():
    graph = transformer(batch_size=3)
    assert graph.input_shapes == ((3, 3, 16, 16),)
    assert graph.output_shapes == ((3, 10), (3, 16, 24))
    assert repr(graph).endswith(": 3x3x16x16 -> 3x10, 3x16x24>")
    for place, users in enumerate(graph.users()):
        assert all(place in graph.nodes[user].inputs for user in users)
    assert sum(map(len, graph.users())) == sum(len(set(node.inputs)) for node in graph.nodes)


def test_bytes_follow_the_precision():
    node = embedded().nodes[0]
    assert (node.shape, node.precision, node.n_elements, node.n_bytes) == ((1, 6), "int64", 6, 48)
