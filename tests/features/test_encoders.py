"""Encoders against slow, independent implementations."""

import itertools

import numpy as np
import pytest
from more_spaces import FiveNodes, OtherChain, ReversedCells
from my_space import MySpace
from sklearn.base import clone

from archcost.errors import ArchcostError, ArchitectureError, UnknownNameError
from archcost.features import (
    ENCODERS,
    CostDrivers,
    LayerwiseFeatures,
    OneHotOps,
    OpGraphs,
    get_encoder,
    register,
)
from archcost.spaces import SPACES as KNOWN_SPACES
from archcost.spaces import FBNet, NASBench201

SPACES = [NASBench201(), FBNet(), MySpace(), FiveNodes()]
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))


@pytest.fixture(params=SPACES, ids=lambda space: space.name)
def space(request):
    return request.param


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders_accept_every_form_and_clone(name, space):
    ops = space.sample(5, seed=3)
    encoder = clone(ENCODERS[name](space)).fit(ops)
    encoded = encoder.transform(ops)
    texts = encoder.transform(space.format_many(ops))
    for one, other in zip(encoded, texts, strict=True):
        if name == "graph":
            assert (one.x == other.x).all()
            assert one.x.shape[1] == len(encoder.get_feature_names_out())
        else:
            np.testing.assert_array_equal(one, other)
            assert len(one) == len(encoder.get_feature_names_out())


def test_one_hot_names_the_op_at_each_position(space):
    ops = space.sample(20, seed=1)
    encoder = OneHotOps(space).fit(ops)
    names = encoder.get_feature_names_out()
    for arch, row in zip(ops, encoder.transform(ops), strict=True):
        expected = {
            f"{position}={space.op_names[op]}"
            for position, op in zip(space.positions, arch, strict=True)
        }
        assert set(names[row == 1]) == expected
        assert row.sum() == space.n_positions
    assert len(names) == space.allowed.sum()


@pytest.mark.parametrize("dataset_place", [0, -1])
def test_layerwise_sums_what_the_layers_say(space, dataset_place):
    dataset = space.dataset_names[dataset_place]
    ops = space.sample(15, seed=2)
    encoder = LayerwiseFeatures(space, dataset).fit(ops)
    assert encoder.is_additive_ == (space.name != "my_space")
    names = list(encoder.get_feature_names_out())
    assert len(set(names)) == len(names)
    for arch, row in zip(ops, encoder.transform(ops), strict=True):
        value = dict(zip(names, row, strict=True))
        everything = space.layers(arch, dataset)
        layers = [layer for layer in everything if layer.position is not None]
        whole = layers if encoder.is_additive_ else everything
        assert value["total_mflops"] == pytest.approx(sum(x.flops for x in whole) / 1e6)
        assert value["total_kparams"] == pytest.approx(sum(x.params for x in whole) / 1e3)
        for op_id, op in enumerate(space.op_names):
            assert value[f"count_{op}"] == (arch == op_id).sum()
            traffic = sum(
                x.input_bytes + x.output_bytes + x.weight_bytes
                for x in layers
                if arch[x.position] == op_id
            )
            assert value.get(f"{op}_traffic_mb", 0.0) == pytest.approx(traffic / 1e6)
        for place, position in enumerate(space.positions):
            flops = sum(x.flops for x in layers if x.position == place)
            assert value.get(f"{position}_mflops", 0.0) == pytest.approx(flops / 1e6)
        for stage in {x.stage for x in layers}:
            flops = sum(x.flops for x in whole if x.stage == stage)
            assert value[f"stage{stage}_mflops"] == pytest.approx(flops / 1e6)


def test_shape_columns_hold_resolution_and_channels():
    encoder = LayerwiseFeatures(groups=("shape",)).fit([[8] * 22])
    row = encoder.transform([[8] * 22])[0].reshape(22, 3)
    assert row[0].tolist() == [32, 16, 16]
    assert row[-1].tolist() == [4, 184, 352]


def _paths(arch):
    """Return the live paths of a cell as lists of edges, by trying all of them."""
    steps = {0: [], 1: [], 2: []}
    for edge, (source, _) in enumerate(EDGES):
        if arch[edge]:
            steps[source].append(edge)
    whole, unfinished = [], [[edge] for edge in steps[0]]
    while unfinished:
        path = unfinished.pop()
        end = EDGES[path[-1]][1]
        if end == 3:
            whole.append(path)
        else:
            unfinished += [[*path, edge] for edge in steps[end]]
    return whole


def test_live_and_path_columns_follow_the_paths_of_a_cell():
    space = NASBench201()
    ops = space.sample(400, seed=5)
    encoder = LayerwiseFeatures(groups=("live", "pruned", "paths")).fit(ops)
    names = encoder.get_feature_names_out()
    for arch, row in zip(ops, encoder.transform(ops), strict=True):
        value = dict(zip(names, row, strict=True))
        paths = _paths(arch)
        live = set(itertools.chain(*paths))
        assert value["connected"] == bool(paths)
        for op, name in enumerate(space.op_names[1:], start=1):
            assert value[f"pruned_{name}"] == sum(arch[edge] == op for edge in live)
        assert value["depth"] == max(map(len, paths), default=0)
        without = (sum(arch[edge] != 1 for edge in path) for path in paths)
        assert value["depth_without_skips"] == max(without, default=0)
        into = [sum(EDGES[edge][1] == node for edge in live) for node in (2, 3)]
        assert value["joins"] == sum(max(n - 1, 0) for n in into)


def test_graphs_link_ops_that_follow_each_other():
    cell = OpGraphs().fit([[1] * 6]).transform([[3, 1, 2, 0, 4, 1]])[0]
    links = set(map(tuple, cell.edge_index.T.tolist()))
    inner = {(a, b) for a in range(6) for b in range(6) if EDGES[a][1] == EDGES[b][0]}
    assert links == inner | {(6, 0), (6, 1), (6, 3)} | {(3, 7), (4, 7), (5, 7)}
    assert cell.num_nodes == 8
    chain = OpGraphs().fit([[8] * 22]).transform([[8] * 22])[0]
    steps = {(a, a + 1) for a in range(21)} | {(22, 0), (21, 23)}
    assert set(map(tuple, chain.edge_index.T.tolist())) == steps


def test_dense_nodes_are_those_of_the_graphs(space):
    ops = space.sample(4, seed=0)
    encoder = OpGraphs(space).fit(ops)
    dense = encoder.node_features(ops)
    for nodes, graph in zip(dense, encoder.transform(ops), strict=True):
        np.testing.assert_allclose(graph.x.numpy(), nodes, rtol=1e-6)
    assert encoder.adjacency().sum() == encoder.transform(ops)[0].num_edges


def test_unknown_groups_and_datasets_are_named():
    with pytest.raises(UnknownNameError, match=r"group of features must be one of .*'stages'"):
        LayerwiseFeatures(groups=("stages",)).fit([[0] * 6])
    with pytest.raises(UnknownNameError, match="dataset of nasbench201"):
        OneHotOps(dataset="mnist").fit([[0] * 6])


@pytest.mark.parametrize("name", [*ENCODERS, "drivers"])
def test_the_space_is_a_name_a_reference_or_an_object(name):
    encoder_class = ENCODERS.get(name, CostDrivers)
    reference = f"{__file__.rpartition('features')[0]}my_space.py:MySpace"
    try:
        for space in ("fbnet", FBNet(), MySpace(), reference):
            encoder = clone(encoder_class(space))
            assert encoder.get_params()["space"] == space
            encoder.fit([])
            assert encoder.space_.name == (
                "my_space" if space in (MySpace(), reference) else "fbnet"
            )
    finally:
        KNOWN_SPACES.pop("my_space", None)  # a reference registers its space


def test_a_space_is_not_guessed_where_two_would_do(monkeypatch):
    monkeypatch.setitem(KNOWN_SPACES, "other_chain", OtherChain())
    archs = FBNet().sample(3)
    with pytest.raises(ArchitectureError, match="one of fbnet and of other_chain"):
        LayerwiseFeatures().fit(archs)
    assert LayerwiseFeatures("other_chain").fit(archs).space_ == OtherChain()


def test_graph_features_know_ops_by_their_layers():
    cells, other = NASBench201(), ReversedCells()
    ops = cells.sample(300, seed=5)
    for make in (lambda space: LayerwiseFeatures(space), lambda space: CostDrivers(space)):
        one, two = make(cells).fit(ops), make(other).fit(ops)
        ours, theirs = one.transform(ops), two.transform(4 - ops)
        assert ours.shape == theirs.shape
        if isinstance(one, LayerwiseFeatures):
            names = list(two.get_feature_names_out())
            order = [names.index(name) for name in one.get_feature_names_out()]
            np.testing.assert_allclose(ours, theirs[:, order], rtol=1e-12)


def test_work_of_graphs_is_a_driver_unless_counts_tell_it():
    assert "flops" not in CostDrivers().bind(NASBench201()).groups_
    assert "flops" not in CostDrivers().bind(FiveNodes()).groups_

    class Wide(FiveNodes):
        name = "wide"

        def layers(self, arch, dataset=None):  # as if later edges stood in more cells
            layers = super().layers(arch, dataset)
            return tuple(x for layer in layers for x in [layer] * (1 + (layer.position or 0)))

    drivers = CostDrivers().bind(Wide())
    ops = Wide().sample(2000, seed=9)
    encoded = drivers.transform(ops)
    flops = [sum(layer.flops for layer in Wide().layers(row)) for row in ops]
    part = encoded[:, drivers.groups_["flops"]]
    assert abs(np.corrcoef(part[:, -1], flops)[0, 1]) > 0.999
    assert abs(np.corrcoef(drivers.work(ops), flops)[0, 1]) > 0.8


def test_drivers_of_a_space_that_is_not_additive_come_from_its_layers():
    space = MySpace()
    drivers = CostDrivers().bind(space)
    ops = space.sample(200, seed=1)
    encoded = drivers.transform(ops)
    flops = np.array([sum(layer.flops for layer in space.layers(row)[:-1]) for row in ops])
    part = encoded[:, drivers.groups_["flops"]]
    fitted = part @ np.linalg.lstsq(part, flops - flops.mean(), rcond=None)[0]
    np.testing.assert_allclose(np.corrcoef(fitted, flops)[0, 1], 1.0, atol=1e-3)
    assert np.corrcoef(drivers.work(ops), flops)[0, 1] > 0.9
    everything = space.sample(space.n_archs, seed=0)
    assert abs(drivers.work(everything)).mean() == pytest.approx(0.8, abs=0.1)
    assert drivers.table_ is None


class CountsOnly(OneHotOps):
    """Counts of ops."""

    def _encode(self, ops):
        return (ops[:, :, None] == np.arange(self.space_.n_ops)).sum(axis=1)


def test_encoders_of_the_user(tmp_path):
    path = tmp_path / "my_encoder.py"
    path.write_text("from archcost.features import OneHotOps\nclass Mine(OneHotOps):\n    pass\n")
    assert get_encoder(f"{path}:Mine")().fit([[0] * 6]).transform([[3] * 6]).sum() == 6
    assert get_encoder("one_hot") is get_encoder(OneHotOps) is OneHotOps
    try:
        register("counts", CountsOnly)
        assert get_encoder("counts")().fit([[0] * 6]).transform([[3] * 6])[0].tolist() == [
            0,
            0,
            0,
            6,
            0,
        ]
        with pytest.raises(ArchcostError, match="'counts' is that of CountsOnly already"):
            register("counts", OneHotOps)
    finally:
        del ENCODERS["counts"]
    with pytest.raises(UnknownNameError, match=r"encoder must be one of .*'one_hot'.*'count"):
        get_encoder("counts")
    with pytest.raises(ArchcostError, match="must be a subclass of ArchEncoder"):
        get_encoder(dict)
