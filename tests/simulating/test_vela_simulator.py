import csv
import importlib.metadata
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from archcost.errors import ArchcostError, MissingDataError
from archcost.networks.tflite_graphs import tflite_model
from archcost.simulating import SIMULATORS
from archcost.simulating.accelerator import load_accelerator
from archcost.simulating.simulator import NotCompilableError
from archcost.simulating.vela_description import NPUS, vela_description
from archcost.simulating.vela_simulator import VelaSimulator, total_cycles
from archcost.spaces import get_space

pytest.importorskip("ethosu")
pytest.importorskip("ai_edge_litert")

CELLS, FBNET = get_space("nasbench201"), get_space("fbnet")
CONV_1X1, CONV_3X3 = CELLS.op_names.index("nor_conv_1x1"), CELLS.op_names.index("nor_conv_3x3")
SIMULATOR = VelaSimulator()
DEVICES = {
    "ethos_u55": ("ethos-u55-256", "Ethos_U55_High_End_Embedded", "Shared_Sram"),
    "ethos_u65": ("ethos-u65-512", "Ethos_U65_High_End", "Dedicated_Sram_384KB"),
}
"""What is described, by the names that Vela's own files give it."""

EVERY_OP = [(space, [op] * space.n_positions) for space in (CELLS, FBNET) for op in range(9)]
EVERY_OP = [(space, arch) for space, arch in EVERY_OP if max(arch) < space.n_ops]


def latency_ms(space, arch, accelerator):
    (part,) = SIMULATOR.parts(space, space.parse(arch), space.check_dataset(None))
    return SIMULATOR.simulate(part, accelerator)["latency"]


def edited(device="ethos_u55", **changes):
    """Return a shipped accelerator with other settings; a dict changes a section, None drops it."""
    settings = dict(load_accelerator(device).settings)
    for key, value in changes.items():
        if isinstance(value, dict):
            value = settings.get(key, {}) | value
        settings[key] = value
    settings = {key: value for key, value in settings.items() if value is not None}
    return replace(load_accelerator(device), id="mine", settings=settings)


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_agrees_with_velas_command(device, tmp_path):
    for number, (space, arch) in enumerate(
        [(CELLS, [3] * 6), (FBNET, [1] * 22), (FBNET, [7] * 22)]
    ):
        network = tmp_path / f"{number}.tflite"
        network.write_bytes(tflite_model(space.graph(arch), precision="int8"))
        npu, system, memory = DEVICES[device]
        command = [
            sys.executable, "-m", "ethosu.vela", network, "--output-dir", tmp_path,
            "--accelerator-config", npu, "--config", "Arm/vela.ini",
            "--system-config", system, "--memory-mode", memory,
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
        with (tmp_path / f"{number}_summary_{system}.csv").open() as file:
            (summary,) = csv.DictReader(file)
        expected_ms = float(summary["inference_time"]) * 1e3
        assert latency_ms(space, arch, load_accelerator(device)) == pytest.approx(expected_ms)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("space", "arch"), EVERY_OP)
def test_every_op_runs_on_the_npu(space, arch, device):
    assert latency_ms(space, arch, load_accelerator(device)) > 0


def test_cells_without_a_path_are_executed_as_far_as_the_output_needs_them():
    accelerator = load_accelerator("ethos_u55")
    nothing, fed_by_zeros = [0] * 6, [0, 0, CONV_3X3, 0, 0, CONV_1X1]
    zero_ms = latency_ms(CELLS, nothing, accelerator)
    assert 0 < zero_ms < latency_ms(CELLS, fed_by_zeros, accelerator)
    # An op whose result only none edges take is not in the file.
    assert latency_ms(CELLS, [CONV_3X3, 0, 0, 0, 0, 0], accelerator) == zero_ms


@pytest.mark.parametrize("npu", NPUS)
def test_no_more_macs_a_cycle_than_there_are(npu):
    accelerator = edited("ethos_u65" if "u65" in npu else "ethos_u55", npu=npu)
    description = vela_description(accelerator)
    for space, arch in [(CELLS, CELLS.sample(1, seed=1)[0]), (FBNET, FBNET.sample(1, seed=1)[0])]:
        macs = space.workload(arch, space.check_dataset(None)).flops // 2
        cycles = total_cycles(tflite_model(space.graph(arch), precision="int8"), description)
        assert cycles >= macs / description.npu.macs_per_cycle
    assert str(description.npu.macs_per_cycle) == npu.split("-")[-1]


@pytest.mark.parametrize("device", DEVICES)
def test_larger_kernels_and_slower_parts_take_longer(device):
    accelerator = load_accelerator(device)
    small_ms = latency_ms(CELLS, [CONV_1X1] * 6, accelerator)
    large_ms = latency_ms(CELLS, [CONV_3X3] * 6, accelerator)
    assert large_ms > 1.5 * small_ms
    storage = "dram" if "dram" in accelerator.settings else "flash"
    slower = {"bandwidth_gb_s": accelerator.settings[storage]["bandwidth_gb_s"] / 4}
    assert latency_ms(CELLS, [CONV_3X3] * 6, edited(device, **{storage: slower})) > large_ms
    slower = {"bandwidth_gb_s": accelerator.settings["sram"]["bandwidth_gb_s"] / 4}
    assert latency_ms(CELLS, [CONV_3X3] * 6, edited(device, sram=slower)) > large_ms
    # With memories slowed down by the same factor, cycles stay and latency doubles.
    half = {
        key: {"bandwidth_gb_s": accelerator.settings[key]["bandwidth_gb_s"] / 2}
        for key in ("sram", storage)
    }
    clock_mhz = accelerator.settings["clock_mhz"] / 2
    halved_ms = latency_ms(CELLS, [CONV_3X3] * 6, edited(device, clock_mhz=clock_mhz, **half))
    assert halved_ms == pytest.approx(2 * large_ms)


@pytest.mark.slow
def test_order_does_not_matter():
    jobs = [
        (space, arch, load_accelerator(device))
        for device in DEVICES
        for space, n_archs in ((CELLS, 3), (FBNET, 1))
        for arch in space.sample(n_archs, seed=2)
    ]
    forwards = [latency_ms(*job) for job in jobs]
    backwards = [latency_ms(*job) for job in reversed(jobs)]
    np.testing.assert_array_equal(forwards, backwards[::-1])
    assert len(set(forwards)) == len(jobs)


def test_network_that_needs_the_cpu_has_no_latency():
    fp32 = tflite_model(CELLS.graph([0] * 6))
    with pytest.raises(NotCompilableError, match=r"left to the CPU: .*MEAN_\d+, FULLY_CONNECTED_"):
        total_cycles(fp32, vela_description(load_accelerator("ethos_u55")))


def test_network_must_fit_into_the_shared_sram():
    with pytest.raises(NotCompilableError, match=r"fit into the 49152 bytes of SRAM, but take \d+"):
        latency_ms(CELLS, [CONV_3X3] * 6, edited(sram={"size_kib": 48}))


def test_is_found_by_its_name():
    for device in DEVICES:
        accelerator = load_accelerator(device)
        simulator = SIMULATORS[accelerator.simulator]
        simulator.check(accelerator)
        assert isinstance(simulator, VelaSimulator)
        assert simulator.version() == importlib.metadata.version("ethos-u-vela")


def test_parts_are_whole_networks():
    ops = CELLS.parse([0, 1, 2, 3, 4, 0])
    digest = CELLS.graph(ops, "cifar100").digest[:16]
    part = f"nasbench201 cifar100 {digest} {CELLS.format(ops)}"
    assert SIMULATOR.parts(CELLS, ops, "cifar100") == {part: 1}
    assert [SIMULATOR.default_count(space) for space in (CELLS, FBNET)] == [2000, 500]


@pytest.mark.parametrize("missing", ["ethos-u-vela", "ai-edge-litert"])
def test_says_which_package_is_missing(missing, monkeypatch):
    def version(package):
        if package == missing:
            raise importlib.metadata.PackageNotFoundError(package)
        return "1"

    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(MissingDataError, match=rf"{missing}; pip install 'archcost\[vela\]'"):
        SIMULATOR.version()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"npu": "ethos-u55-512"}, r"npu in mine.toml must be one of \['ethos-u55-128', "),
        ({"npu": None}, "mine.toml must have the key 'npu'"),
        ({"clock": 500}, "a key in mine.toml must be one of .*did you mean 'clock_mhz'"),
        ({"clock_mhz": 0}, "clock_mhz in mine.toml must be a number above 0, but got 0"),
        ({"memory_mode": "sram_only"}, "memory_mode in mine.toml must be one of .*'shared_sram'"),
        ({"memory_mode": "dedicated_sram"}, r"must have a section \[dram\] instead of \[flash\]"),
        ({"optimise": "Speed"}, r"optimise in mine.toml must be one of \['performance', 'size'\]"),
        ({"dram": {}}, r"one of the sections \[flash\] and \[dram\], .* has flash and dram"),
        ({"flash": None}, r"one of the sections \[flash\] and \[dram\], .* but has none"),
        ({"sram": None}, "mine.toml must have the key 'sram'"),
        ({"sram": {"size_kib": 0.5}}, r"size_kib in \[sram\] of mine.toml must be an integer"),
        ({"sram": {"bandwidth_gb_s": 8}}, r"bandwidth_gb_s in \[sram\] .* at most 4, .* but got 8"),
        ({"flash": {"bandwidth_gb_s": 0}}, r"bandwidth_gb_s in \[flash\] .* above 0, but got 0"),
        ({"flash": {"write_latency_cycles": 1}}, r"a key in \[flash\] of mine.toml must be one of"),
        ({"flash": {"burst_bytes": -1}}, r"burst_bytes in \[flash\] .* at least 1, but got -1"),
    ],
)  # fmt: skip
def test_bad_descriptions_are_refused(changes, message):
    with pytest.raises(ArchcostError, match=message):
        SIMULATOR.check(edited(**changes))
