import math
import subprocess
import sys
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError

import pytest
from some_networks import mobile, transformer

from archcost.errors import MissingDataError
from archcost.networks import graph_layers
from archcost.simulating.accelerator import load_accelerator
from archcost.simulating.simulator import NotCompilableError
from archcost.simulating.zigzag_description import zigzag_description
from archcost.simulating.zigzag_layers import layer_text, loop_nest
from archcost.simulating.zigzag_mapping import unrollings
from archcost.simulating.zigzag_simulator import ZigZagSimulator
from archcost.spaces import get_space

pytest.importorskip("zigzag")

SIMULATOR = ZigZagSimulator()
CELLS, FBNET = get_space("nasbench201"), get_space("fbnet")
CONV_3X3 = "conv 16x32x32 to 16x32x32 k3 s1 g1"
CONV_1X1 = "conv 16x32x32 to 16x32x32 k1 s1 g1"
DEPTHWISE = "conv 48x8x8 to 48x8x8 k3 s1 g48"
POOL = "pool 16x32x32 to 16x32x32 k3 s1 g1"


def settings_of(name, **sections):
    """Return a shipped accelerator with some keys of its sections changed."""
    accelerator = load_accelerator(name)
    settings = dict(accelerator.settings)
    for section, changes in sections.items():
        settings[section] = settings[section] | changes if section in settings else changes
    return replace(accelerator, id="mine", settings=settings)


@cache
def simulated(part, name):
    """Return the costs of a layer on a shipped accelerator, which takes a second."""
    return SIMULATOR.simulate(part, load_accelerator(name))


def steps(part, accelerator):
    description = zigzag_description(accelerator)
    return min(steps for steps, _ in unrollings(loop_nest(part, description), description))


@pytest.mark.parametrize(("space", "op"), [(CELLS, 3), (CELLS, 4), (FBNET, 1), (FBNET, 7)])
def test_loops_do_the_operations_of_the_layers(space, op):
    description = zigzag_description(load_accelerator("fpga_like"))
    for layer in space.layers([op] * space.n_positions):
        sizes = loop_nest(layer_text(layer), description).sizes
        expected = {
            "pool": layer.kernel**2 * layer.c_out * layer.h_out * layer.w_out,
            "global_pool": layer.c_in * layer.h_in * layer.w_in,
            "add": 2 * layer.c_out * layer.h_out * layer.w_out,
        }.get(layer.kind, layer.macs)
        assert math.prod(sizes.values()) == expected


def test_loops_of_layers_that_only_other_spaces_have():
    description = zigzag_description(load_accelerator("fpga_like"))
    layers = {layer.kind: layer for layer in graph_layers(mobile()) if layer.position == 0}
    gate = loop_nest(layer_text(layers["multiply"]), description)
    assert math.prod(gate.sizes.values()) == 2 * 16 * 10 * 12
    depthwise = next(layer for layer in graph_layers(mobile()) if layer.kernel_w == 5)
    text = layer_text(depthwise)
    assert text == "conv 16x10x12 to 16x10x12 k3x5 s1 g16"
    nest = loop_nest(text, description)
    assert math.prod(nest.sizes.values()) == depthwise.macs
    assert (nest.border("Y"), nest.border("X")) == ((1, 1), (2, 2))
    kinds = {layer.kind: layer for layer in graph_layers(transformer())}
    linear = next(layer for layer in graph_layers(transformer()) if layer.kind == "linear")
    assert math.prod(loop_nest(layer_text(linear), description).sizes.values()) == linear.macs
    assert loop_nest(layer_text(kinds["layer_norm"]), description) is None
    for kind in ("attention", "matmul"):
        with pytest.raises(NotCompilableError, match=f"must be one of .*, but is '{kind}'"):
            loop_nest(layer_text(kinds[kind]), description)
    with pytest.raises(NotCompilableError, match="one stride for both axes"):
        loop_nest("conv 8x32x32 to 8x32x16 k3 s1x2 g1", description)


def test_windows_reach_over_the_border_as_padding_says():
    description = zigzag_description(load_accelerator("fpga_like"))
    borders = {
        "conv 8x32x32 to 8x32x32 k3 s1 g1": (1, 1),
        "conv 8x32x32 to 8x16x16 k5 s2 g8": (1, 2),
        "conv 8x32x32 to 8x16x16 k1 s2 g1": (0, 0),
        "pool 8x32x32 to 8x16x16 k2 s2 g1": (0, 0),
    }
    for part, border in borders.items():
        nest = loop_nest(part, description)
        assert nest.border("Y") == nest.border("X") == border


def test_parts_are_the_shapes_of_the_layers():
    cell = SIMULATOR.parts(CELLS, CELLS.parse([3, 0, 1, 4, 0, 2]), "cifar10")
    assert cell[CONV_3X3] == cell[CONV_1X1] == cell[POOL] == 5
    assert not any(part.startswith("zero") for part in cell)
    every = set()
    for op in range(FBNET.n_ops):
        every |= set(SIMULATOR.parts(FBNET, FBNET.parse([op] * 22), "cifar100"))
    assert len([part for part in every if part.startswith(("conv", "linear"))]) == 119


def test_spreading_over_eyeriss():
    eyeriss = load_accelerator("eyeriss_like")
    description = zigzag_description(eyeriss)
    ways = unrollings(loop_nest(CONV_3X3, description), description)
    found = {way: steps for steps, way in ways}
    # 3 filter rows x 4 input channels, and 8 output rows: as many steps as HW-NAS-Bench's Eyeriss
    # takes cycles of 250 MHz for it, 0.098304 ms.
    assert found[(("FY", 3), ("C", 4)), (("OY", 8),)] == 24576 == min(found.values())
    assert steps(CONV_1X1, eyeriss) == 4096  # 0.016384 ms there
    assert steps(DEPTHWISE, eyeriss) == 48 * 8 * 8 * 9 // (3 * 8)


def test_spreading_in_any_shares():
    layer = "conv 16x32x32 to 20x32x32 k1 s1 g1"
    assert steps(layer, settings_of("eyeriss_like")) == 16 * 20 * 1024 // (10 * 8)
    rounded_up = settings_of("eyeriss_like", search={"unroll": "any"})
    assert steps(layer, rounded_up) == 2 * 3 * 16 * 32  # 12 + 8 channels, 14 + 14 + 4 rows
    assert steps(DEPTHWISE, load_accelerator("fpga_like")) == 3 * 8 * 4


@pytest.mark.parametrize("name", ["eyeriss_like", "fpga_like", "edge_tpu_like"])
@pytest.mark.parametrize("part", [CONV_1X1, DEPTHWISE])
def test_no_layer_beats_the_array_or_the_bus(name, part):
    accelerator = load_accelerator(name)
    description = zigzag_description(accelerator)
    cost = simulated(part, name)
    cycles = cost["latency"] * description.clock_mhz * 1e3
    assert steps(part, accelerator) <= cycles
    operations = math.prod(loop_nest(part, description).sizes.values())
    dram = description.memories[-1]
    assert dram.name == "dram"
    weights = {CONV_1X1: 16 * 16, DEPTHWISE: 48 * 9}[part]
    values = {CONV_1X1: 2 * 16 * 32 * 32, DEPTHWISE: 2 * 48 * 8 * 8}[part]
    bits = (values if "inputs" in dram.holds else weights) * description.bits["weights"]
    assert bits / dram.bits_per_cycle <= cycles
    if description.power_w is None:
        least_pj = operations * description.array.mac_pj
        least_pj += bits / dram.access_bits * min(dram.read_pj, dram.write_pj)
        assert least_pj <= cost["energy"] * 1e9
    else:
        assert cost["energy"] == pytest.approx(cost["latency"] * description.power_w)


def test_a_dense_layer_on_wide_memories_takes_the_steps_of_the_array():
    accelerator = load_accelerator("eyeriss_like")
    memories = [dict(memory) for memory in accelerator.settings["memories"]]
    for memory in memories[-2:]:
        memory |= {"bits_per_cycle": 65536, "bytes": 10**9}
    wide = replace(accelerator, settings=accelerator.settings | {"memories": memories})
    part = "conv 16x16x16 to 16x16x16 k1 s1 g1"
    cycles = SIMULATOR.simulate(part, wide)["latency"] * 200e3
    assert 1024 <= cycles <= 1.1 * 1024


def test_clock_and_energies_scale_the_cost():
    once = simulated(DEPTHWISE, "edge_tpu_like")
    twice = SIMULATOR.simulate(
        DEPTHWISE,
        replace(
            load_accelerator("edge_tpu_like"),
            settings=load_accelerator("edge_tpu_like").settings | {"clock_mhz": 1000},
        ),
    )
    assert twice["latency"] == pytest.approx(once["latency"] / 2)
    assert twice["energy"] == once["energy"]
    dearer = settings_of("edge_tpu_like", array={"mac_pj": 1.04})
    more_mj = SIMULATOR.simulate(DEPTHWISE, dearer)["energy"] - once["energy"]
    assert more_mj == pytest.approx(48 * 8 * 8 * 9 * 1e-9)


def test_how_pooling_is_executed():
    small = "pool 8x4x4 to 8x4x4 k3 s1 g1"
    cost = {
        way: SIMULATOR.simulate(
            small, settings_of("eyeriss_like", execution={"average_pooling": way})
        )
        for way in ("convolution", "depthwise", "free")
    }
    dense = SIMULATOR.simulate("conv 8x4x4 to 8x4x4 k3 s1 g1", load_accelerator("eyeriss_like"))
    depthwise = SIMULATOR.simulate("conv 8x4x4 to 8x4x4 k3 s1 g8", load_accelerator("eyeriss_like"))
    assert cost["convolution"] == dense
    assert cost["depthwise"] == depthwise
    assert cost["free"] == {"latency": 0.0, "energy": 0.0}
    assert dense["latency"] > depthwise["latency"]


def test_agrees_with_zigzags_own_hardware_and_interface(tmp_path):
    import logging
    from pathlib import Path

    import yaml
    import zigzag
    from zigzag.api import get_hardware_performance_zigzag

    layer = {
        "id": 0,
        "operator_type": "Conv",
        "equation": "O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]",
        "dimension_relations": ["ix=1*ox+1*fx", "iy=1*oy+1*fy"],
        "loop_dims": ["B", "K", "G", "OX", "OY", "C", "FX", "FY"],
        "loop_sizes": [1, 16, 1, 32, 32, 16, 1, 1],
        "operand_precision": {"W": 8, "I": 8, "O": 16, "O_final": 8},
        "operand_source": {"W": 0},
    }
    mapping = {
        "name": "default",
        "spatial_mapping": {"D1": ["K, 8"], "D2": ["C, 8"], "D3": ["OX, 4"], "D4": ["OY, 4"]},
        "memory_operand_links": {"O": "O", "W": "I2", "I": "I1"},
    }
    paths = {}
    for name, data in (("workload", [layer]), ("mapping", [mapping])):
        paths[name] = tmp_path / f"{name}.yaml"
        paths[name].write_text(yaml.safe_dump(data))
    hardware = Path(zigzag.__file__).parent / "inputs" / "hardware" / "edge_tpu_like.yaml"
    logging.getLogger("zigzag").setLevel(logging.CRITICAL)
    energy_pj, cycles, _ = get_hardware_performance_zigzag(
        str(paths["workload"]),
        str(hardware),
        str(paths["mapping"]),
        opt="EDP",
        lpf_limit=5,
        dump_folder=str(tmp_path / "dump"),
        loma_show_progress_bar=False,
    )
    cost = simulated(CONV_1X1, "edge_tpu_like")
    assert cost["latency"] * 500e3 == pytest.approx(cycles)
    assert cost["energy"] * 1e9 == pytest.approx(energy_pj)


@pytest.mark.slow
def test_same_cost_in_every_process():
    script = f"""
from archcost.simulating.accelerator import load_accelerator
from archcost.simulating.zigzag_simulator import ZigZagSimulator
print(ZigZagSimulator().simulate({DEPTHWISE!r}, load_accelerator("eyeriss_like")))
"""
    printed = set()
    for seed in "12":
        result = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        )
        assert result.stderr == ""
        printed.add(result.stdout)
    assert printed == {f"{simulated(DEPTHWISE, 'eyeriss_like')}\n"}


def test_what_does_not_fit_does_not_compile():
    tiny = load_accelerator("fpga_like")
    memories = [dict(memory) for memory in tiny.settings["memories"]]
    next(m for m in memories if m["name"] == "feature_buffer")["bytes"] = 1024
    tiny = replace(tiny, settings=tiny.settings | {"memories": memories})
    with pytest.raises(NotCompilableError, match="no mapping fits the layer with the loops"):
        SIMULATOR.simulate(CONV_1X1, tiny)


def test_without_the_library(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("archcost.extras.version", missing)
    with pytest.raises(MissingDataError, match=r"pip install 'archcost\[simulate\]'"):
        SIMULATOR.version()
