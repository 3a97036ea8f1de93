import contextlib
import json
import math
import signal
from collections import Counter
from pathlib import Path

import pytest
from my_space import MySpace

from archcost.datasets import CostTable
from archcost.errors import ArchcostError, CostTableError
from archcost.measuring.journal import Journal
from archcost.simulating import SIMULATORS, NotCompilableError, Simulator, get_simulator
from archcost.simulating.accelerator import Accelerator, load_accelerator
from archcost.simulating.simulating import simulate_parts, simulated_table, simulating_setup
from archcost.spaces import get_space

SPACE = get_space("nasbench201")
CHIP = Accelerator("chip", "counting", "A chip", "It counts.", "Nobody", {"speed": 2})


class Counting(Simulator):
    """A part is an op; it costs its id, and some fail."""

    name = "counting"
    metrics = ("latency", "energy")
    broken = frozenset()

    def __init__(self):
        self.simulated = []

    def version(self):
        return "1"

    def check(self, accelerator):
        if accelerator.settings["speed"] < 1:
            raise ArchcostError("speed must be 1 or more")

    def parts(self, space, ops, dataset):
        return Counter(f"op {op}" for op in ops)

    def simulate(self, part, accelerator):
        self.simulated.append(part)
        op = int(part.split()[1])
        if op in self.broken:
            raise NotCompilableError("no such unit") if op == 1 else ZeroDivisionError("oops")
        return {"latency": 10.0**op / accelerator.settings["speed"], "energy": 3.0 * 10.0**op}


@pytest.fixture
def simulator(monkeypatch):
    simulator = Counting()
    monkeypatch.setitem(SIMULATORS, "counting", simulator)
    return simulator


def simulated(simulator, archs, path, stop_after=math.inf):
    """Simulate into the journal at `path` and return the table."""
    archs = SPACE.parse_many(archs)
    bags = [simulator.parts(SPACE, ops, "cifar10") for ops in archs]
    parts = [part for bag in bags for part in bag]
    if stop_after < len(parts):
        parts = list(dict.fromkeys(parts))[:stop_after]
    with Journal(path, simulating_setup(CHIP)) as journal:
        simulate_parts(parts, CHIP, journal)
        return simulated_table(
            SPACE, archs, bags, journal.records, CHIP, dataset="cifar10", provenance={"why": "test"}
        )


def costs(table, metric):
    return table.select(metric=metric).to_pandas()["cost"].tolist()


def test_adds_up_the_parts(simulator, tmp_path):
    table = simulated(simulator, [[0, 0, 1, 2, 3, 3], [4, 4, 4, 4, 4, 4]], tmp_path / "j")
    assert costs(table, "latency") == [(1 + 1 + 10 + 100 + 2000) / 2, 60000 / 2]
    assert costs(table, "energy") == [3 * 2112, 180000]
    assert [*map(str, table.keys())] == [
        "nasbench201-chip-energy-cifar10",
        "nasbench201-chip-latency-cifar10",
    ]
    assert set(table.to_pandas()["kind"]) == {"simulated"}


def test_provenance_has_the_whole_description(simulator, tmp_path):
    table = simulated(simulator, [[0, 0, 1, 2, 3, 3]], tmp_path / "j")
    table.write(tmp_path / "t.parquet")
    provenance = CostTable.read(tmp_path / "t.parquet").provenance.to_dict()
    assert provenance["description"] == {
        "id": "chip", "simulator": "counting", "name": "A chip", "description": "It counts.",
        "source": "Nobody", "speed": 2,
    }  # fmt: skip
    assert provenance["accelerator_sha256"] == CHIP.sha256
    assert provenance["simulator_version"] == "1"
    assert (provenance["distinct_parts"], provenance["why"]) == (4, "test")


def test_each_part_is_simulated_once_and_never_again(simulator, tmp_path):
    archs = [[0, 0, 1, 1, 0, 1], [1, 1, 1, 0, 2, 2]]
    first = simulated(simulator, archs, tmp_path / "j")
    assert simulator.simulated == ["op 0", "op 1", "op 2"]
    again = simulated(simulator, archs, tmp_path / "j")
    assert len(simulator.simulated) == 3
    assert first.sha256 == again.sha256
    simulated(simulator, [*archs, [3] * 6], tmp_path / "j")
    assert simulator.simulated[3:] == ["op 3"]


def test_goes_on_after_a_kill(simulator, tmp_path):
    path = tmp_path / "j"
    whole = simulated(simulator, [[0, 1, 2, 3, 4, 4]], path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:9])
    simulator.simulated.clear()
    assert simulated(simulator, [[0, 1, 2, 3, 4, 4]], path).sha256 == whole.sha256
    assert simulator.simulated == ["op 2", "op 3", "op 4"]


def test_ctrl_c_that_a_simulator_swallows_ends_the_work(simulator, tmp_path, monkeypatch):
    def swallow(part, accelerator):
        if part == "op 2":
            with contextlib.suppress(BaseException):  # as a bare `except:` does
                signal.raise_signal(signal.SIGINT)
        return Counting.simulate(simulator, part, accelerator)

    monkeypatch.setattr(simulator, "simulate", swallow)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        simulated(simulator, [[0, 1, 2, 3, 4, 4]], tmp_path / "j")
    assert signal.getsignal(signal.SIGINT) is handler
    simulated(simulator, [[0, 1, 3, 3, 4, 4]], tmp_path / "j")
    assert simulator.simulated == ["op 0", "op 1", "op 2", "op 3", "op 4"]


def test_another_description_needs_another_journal(simulator, tmp_path, monkeypatch):
    simulated(simulator, [[0] * 6], tmp_path / "j")
    monkeypatch.setattr(
        f"{__name__}.CHIP", Accelerator(*["chip", "counting", *"abc"], {"speed": 3})
    )
    with pytest.raises(CostTableError, match="accelerator_sha256"):
        simulated(simulator, [[0] * 6], tmp_path / "j")


def test_a_failed_part_leaves_its_networks_without_a_cost(simulator, tmp_path):
    simulator.broken = {1, 2}
    archs = [[0, 1, 2, 3, 3, 3], [2, 2, 0, 0, 0, 0], [0, 0, 0, 3, 3, 3]]
    table = simulated(simulator, archs, tmp_path / "j")
    rows = table.select(metric="latency").to_pandas()
    assert rows["status"].tolist() == ["did_not_compile", "failed", "ok"]
    assert rows["cost"].isna().tolist() == [True, True, False]
    lines = [json.loads(line) for line in (tmp_path / "j").read_text().splitlines()[1:]]
    errors = {line["arch"]: line["error"] for line in lines if "error" in line}
    assert errors == {"op 1": "no such unit", "op 2": "ZeroDivisionError: oops"}


def test_what_was_not_reached_is_not_measured(simulator, tmp_path):
    table = simulated(simulator, [[0] * 6, [0, 0, 0, 0, 0, 1]], tmp_path / "j", stop_after=1)
    assert table.select(metric="energy").to_pandas()["status"].tolist() == ["ok", "not_measured"]


def test_description_is_checked_first(simulator, tmp_path):
    with pytest.raises(ArchcostError, match="speed must be 1 or more"):
        get_simulator(Accelerator("chip", "counting", "a", "b", "c", {"speed": 0}))
    with pytest.raises(ArchcostError, match="did you mean 'counting'"):
        get_simulator(Accelerator("chip", "count", "a", "b", "c", {}))


SIMULATOR = """
from collections import Counter

from archcost.simulating import Simulator
from archcost.spaces import get_space


class Layers(Simulator):
    name, metrics = "layers", ("latency",)

    def version(self):
        return "1"

    def check(self, accelerator):
        pass

    def parts(self, space, ops, dataset):
        return Counter([f"{space.name} {dataset} {space.format(ops)}"])

    def simulate(self, part, accelerator):
        space, dataset, arch = part.split(" ")
        return {"latency": float(len(get_space(space).layers(arch, dataset)))}
"""


def test_simulator_and_space_of_files_arrive_in_the_workers(tmp_path):
    (tmp_path / "chip").mkdir()
    (tmp_path / "chip" / "my_simulator.py").write_text(SIMULATOR)
    (tmp_path / "chip" / "my_chip.toml").write_text(
        'simulator = "my_simulator.py:Layers"\nname = "a"\ndescription = "b"\nsource = "c"\n'
    )
    chip = load_accelerator(tmp_path / "chip" / "my_chip.toml")
    simulator = get_simulator(chip)
    space = get_space(f"{Path(__file__).parents[1] / 'my_space.py'}:MySpace")
    archs = space.sample(3, seed=0)
    bags = [simulator.parts(space, ops, "maps") for ops in archs]
    with Journal(tmp_path / "j", simulating_setup(chip)) as journal:
        simulate_parts((part for bag in bags for part in bag), chip, journal, jobs=2)
        table = simulated_table(
            space, archs, bags, journal.records, chip, dataset="maps", provenance={}
        )
    assert costs(table, "latency") == [len(space.layers(ops)) for ops in archs]
    # Of the user's folders nothing is told.
    assert str(tmp_path) not in repr(table.provenance)
    assert table.provenance.description["simulator"] == "my_simulator.py:Layers"


def test_all_of_a_small_space_are_simulated_by_default(simulator):
    assert simulator.default_count(SPACE) == 15625
    assert simulator.default_count(get_space("fbnet")) == 5000
    assert simulator.default_count(MySpace()) == 1008
    assert SIMULATORS["vela"].default_count(MySpace()) == 1008


def test_jobs_are_at_least_one(simulator, tmp_path):
    with (
        Journal(tmp_path / "j", simulating_setup(CHIP)) as journal,
        pytest.raises(ArchcostError, match="jobs must be 1 or more, but got 0"),
    ):
        simulate_parts(["op 1"], CHIP, journal, jobs=0)


@pytest.mark.slow
def test_side_by_side_as_one_after_the_other(tmp_path):
    pytest.importorskip("zigzag")
    chip = load_accelerator("fpga_like")
    layers = [f"conv {n}x4x4 to 8x4x4 k1 s1 g1" for n in (8, 16, 24)] + ["no layer at all"]
    found = []
    for jobs in (1, 2):
        with Journal(tmp_path / f"{jobs}", simulating_setup(chip)) as journal:
            simulate_parts(layers, chip, journal, jobs=jobs)
            found.append(sorted(journal.records, key=lambda record: record.arch))
    assert found[0] == found[1]
    assert [record.status for record in found[0]] == ["ok", "ok", "ok", "failed"]
