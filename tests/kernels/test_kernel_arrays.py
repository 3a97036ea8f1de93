"""Kernels as arrays, and their work by role."""

import numpy as np
import pytest

from archcost.errors import ArchitectureError, IntegrityError
from archcost.kernels.kernel_arrays import KINDS, KernelArrays
from archcost.kernels.kernel_work import ROLES, kernel_work, network_work
from archcost.kernels.network_kernels import NetworkKernels
from archcost.networks import GraphBuilder
from archcost.networks.kernels import STYLES, executed_graph
from archcost.networks.work import graph_work
from archcost.spaces import get_space


def convolutions():
    """A stem, a depthwise, a grouped, a dense and a pointwise convolution."""
    builder = GraphBuilder()
    x = builder.conv(builder.input((3, 8, 8)), 20, 3, name="stem")
    x = builder.conv(x, 20, 3, groups=20, name="depthwise")
    x = builder.conv(x, 20, 3, groups=5, name="grouped")
    x = builder.relu(builder.conv(x, 24, 3, stride=2, name="dense"))
    return builder.graph(builder.conv(x, 10, 1, name="pointwise"))


def test_kinds_and_numbers_of_convolutions():
    kernels = KernelArrays.of_graph(convolutions())
    assert [KINDS[kind] for kind in kernels.kinds] == [
        "conv_stem", "conv_depthwise", "conv_grouped", "conv", "conv_1x1",
    ]  # fmt: skip
    assert kernels.column("macs").tolist() == [
        3 * 20 * 9 * 64, 20 * 9 * 64, 20 * 4 * 9 * 64, 20 * 24 * 9 * 16, 24 * 10 * 16,
    ]  # fmt: skip
    assert kernels.column("c_in").tolist() == [3, 1, 4, 20, 24]
    assert kernels.column("groups").tolist() == [1, 20, 5, 1, 1]
    assert kernels.column("positions").tolist() == [64, 64, 64, 16, 16]
    assert kernels.column("in_bytes")[3] == 20 * 64 * 4
    assert kernels.column("weight_bytes")[4] == 24 * 10 * 4
    assert kernels.column("fused_bytes").tolist() == [0, 0, 0, 2 * 24 * 16 * 4, 0]


def test_channels_are_rounded_up_to_the_block():
    macs = kernel_work(KernelArrays.of_graph(convolutions()), block=8)[:, ROLES.index("macs")] * 1e9
    assert macs.round().tolist() == [
        8 * 24 * 9 * 64, 24 * 9 * 64, 5 * 8 * 8 * 9 * 64, 24 * 24 * 9 * 16, 24 * 16 * 16,
    ]  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["nasbench201", "fbnet", "autoformer_tiny"])
def test_work_sums_to_that_of_the_graph(name, style):
    space = get_space(name)
    graphs = [space.graph(arch) for arch in space.sample(2, seed=1)]
    kernels = KernelArrays.of_graphs(graphs, style)
    work = network_work(kernels, block=1).reshape(2, len(KINDS), len(ROLES)).sum(axis=1)
    expected = [graph_work(graph).macs for graph in graphs]
    assert work[:, ROLES.index("macs")] * 1e9 == pytest.approx(expected, rel=1e-9)
    assert work[:, ROLES.index("count")] * 100 == pytest.approx(np.diff(kernels.starts))


def test_networks_are_taken_and_joined():
    space = get_space("nasbench201")
    graphs = [space.graph(arch) for arch in space.sample(4, seed=2)]
    kernels = NetworkKernels.of(graphs)
    picked = kernels.take(np.array([3, 1])).by_style["fused"]
    again = KernelArrays.of_graphs([executed_graph(graphs[3]), executed_graph(graphs[1])])
    assert (picked.numbers == again.numbers).all()
    assert (picked.starts == again.starts).all()
    assert (picked.kinds == again.kinds).all()


def test_a_file_gives_the_kernels_back(tmp_path):
    space = get_space("nasbench201")
    kernels = NetworkKernels.of([space.graph(arch) for arch in space.sample(3, seed=2)])
    kernels.save(tmp_path / "kernels.npz")
    loaded = NetworkKernels.load(tmp_path / "kernels.npz")
    for style in STYLES:
        one, other = kernels.by_style[style], loaded.by_style[style]
        assert (one.kinds == other.kinds).all()
        assert (one.numbers == other.numbers).all()
        assert (one.starts == other.starts).all()
    with np.load(tmp_path / "kernels.npz") as arrays:
        content = dict(arrays)
    content["fused_count"] = content["fused_count"][:-1]
    np.savez(tmp_path / "damaged.npz", **content)
    with pytest.raises(IntegrityError, match="damaged"):
        NetworkKernels.load(tmp_path / "damaged.npz")


def test_what_executes_nothing_or_is_no_graph_is_refused():
    builder = GraphBuilder()
    graph = builder.graph(builder.flatten(builder.input((3, 4, 4))))
    with pytest.raises(ArchitectureError, match="must execute something"):
        NetworkKernels.of([graph])
    with pytest.raises(ArchitectureError, match="network 0 is str"):
        NetworkKernels.of(["resnet18"])


def test_windows_that_runtimes_have_no_kernels_for_are_a_kind():
    builder = GraphBuilder()
    x = builder.conv(builder.input((16, 14, 14)), 16, 5, groups=16, name="usual")
    graph = builder.graph(builder.conv(x, 16, 7, groups=16, name="wide"))
    kernels = KernelArrays.of_graph(graph)
    assert [KINDS[kind] for kind in kernels.kinds] == ["conv_depthwise", "conv_depthwise_wide"]
    assert kernel_work(kernels)[:, ROLES.index("narrow_in")].tolist() == [0, 0]  # as of depthwise


def test_costly_functions_are_told_apart_fused_or_not():
    builder = GraphBuilder()
    x = builder.conv(builder.input((8, 4, 4)), 8, 1, name="conv")
    for kind in ("relu", "silu", "gelu"):
        x = builder.activation(x, kind)
    graph = builder.graph(x)
    fused, eager = (kernel_work(KernelArrays.of_graph(graph, style)) for style in STYLES)
    written = 8 * 4 * 4 * 4 / 1e8
    smooth, erf = ROLES.index("smooth"), ROLES.index("erf")
    assert fused[:, [smooth, erf]].tolist() == [[written, written]]
    assert eager[:, smooth].tolist() == [0, 0, written, 0]
    assert eager[:, erf].tolist() == [0, 0, 0, written]


def test_what_zeros_make_needless_is_not_executed():
    space = get_space("nasbench201")
    none, alone = "|none~0|+|none~0|none~1|+|{}~0|none~1|none~2|", "nor_conv_3x3"
    dead = "|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"
    graphs = [space.graph(arch) for arch in (none.format(alone), dead)]
    kernels = NetworkKernels.of(graphs)
    assert (kernels.signatures()[0] == kernels.signatures()[1]).all()
