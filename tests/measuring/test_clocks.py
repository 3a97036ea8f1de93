import sys
import time

import numpy as np
import pytest

from archcost.datasets import bundled_tables, load_bundled
from archcost.datasets.merging import merge_tables
from archcost.errors import ArchcostError, CostTableError, UnknownNameError
from archcost.measuring import RUNTIMES, CommandRuntime
from archcost.measuring.clocks import clock_for, timed
from archcost.measuring.journal import Journal, RoundRecord
from archcost.measuring.measure_settings import MeasureSettings
from archcost.measuring.measured_table import measured_table
from archcost.measuring.measuring import measure, measuring_setup, reference_arch
from archcost.measuring.runtime import Runtime
from archcost.spaces import get_space

SPACE = get_space("nasbench201")
ARCHS = SPACE.sample(4, seed=0)
REFERENCE = reference_arch(SPACE, "cifar10")


def computes(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


class Sleepy(Runtime):
    """Computes for 1 to 4 ms and waits for 9 to 6 ms, so that the clocks rank the other way."""

    name, precision, in_process = "sleepy", "fp32", True

    def version(self):
        return "1.0"

    def load(self, space, ops, dataset, threads):
        places = np.flatnonzero((ops == ARCHS).all(axis=1))
        cpu_ms = 1 + int(places[0]) if len(places) else 1

        def infer_ms():
            computes(cpu_ms / 1e3)
            time.sleep((10 - 2 * cpu_ms) / 1e3)
            return 10.0 - cpu_ms  # what a wall clock would say that is never disturbed

        return infer_ms


def measured(path, clock=None, runtime=None, threads=1):
    runtime = runtime or Sleepy()
    settings = MeasureSettings(rounds=2, runs=2, threads=threads, clock=clock)
    setup = measuring_setup(SPACE, "cifar10", runtime, settings)
    with Journal(path, setup) as journal:
        measure(SPACE, ARCHS, "cifar10", runtime, journal, settings)
    return measured_table(
        SPACE, ARCHS, journal.records, device="board", setup=setup, provenance={"seed": 0}
    )


def test_cpu_time_leaves_out_waiting():
    timing = timed(lambda: time.sleep(0.02) or 20.0)
    assert timing.wall_ms == 20.0
    assert timing.cpu_ms < 10
    busy = timed(lambda: computes(0.003) or 3.0)
    assert busy.cpu_ms >= 3


def test_one_thread_in_this_process_is_timed_by_its_cpu_time(tmp_path):
    table = measured(tmp_path / "j")
    _, cost_ms = table.costs(table.keys()[0])
    assert np.all(np.diff(cost_ms) > 0)  # as it computes, not as it waits
    assert cost_ms[0] < 5
    told = table.provenance
    assert told.clock == "cpu"
    assert told.wall_over_cpu > 1


def test_both_clocks_are_recorded_whichever_is_the_cost(tmp_path):
    costs = {}
    for clock in ("cpu", "wall"):
        table = measured(tmp_path / clock, clock)
        assert table.provenance.clock == clock
        costs[clock] = table.costs(table.keys()[0])[1]
        with Journal(tmp_path / clock, measuring_setup_of(clock)) as journal:
            for record in journal.records:
                assert len(record.cpu_ms) == len(record.latencies_ms) == 2
                assert record.reference_cpu_ms < record.reference_ms
    assert costs["wall"] == pytest.approx([9, 8, 7, 6])
    with pytest.raises(CostTableError, match=r"clock 'cpu' \(now 'wall'\)"):
        measured(tmp_path / "cpu", "wall")


def measuring_setup_of(clock):
    return measuring_setup(SPACE, "cifar10", Sleepy(), MeasureSettings(runs=2, clock=clock))


def test_clock_of_a_record():
    record = RoundRecord("a", 0, (5.0, 6.0), 2.0, cpu_ms=(3.0, 4.0), reference_cpu_ms=1.5)
    assert record.on_clock("wall") == record
    on_cpu = record.on_clock("cpu")
    assert (on_cpu.latencies_ms, on_cpu.reference_ms) == ((3.0, 4.0), 1.5)


@pytest.mark.skipif(sys.platform == "win32", reason="CPU time is too coarse there")
def test_which_clock_where():
    for name in ("onnxruntime", "onnxruntime_int8", "litert", "litert_int8", "openvino", "torch"):
        assert clock_for(RUNTIMES[name], 1) == "cpu"
        assert clock_for(RUNTIMES[name], 2) == "wall"
        assert clock_for(RUNTIMES[name], 1, "wall") == "wall"
    assert clock_for(RUNTIMES["torch_cuda"], 1) == "wall"
    assert clock_for(CommandRuntime("true {model}"), 1) == "wall"
    with pytest.raises(ArchcostError, match=r"with 1 thread.*got 'litert' with 2 threads; use"):
        clock_for(RUNTIMES["litert"], 2, "cpu")
    with pytest.raises(ArchcostError, match=r"computes in this process.*got 'torch_cuda'"):
        MeasureSettings(clock="cpu").for_runtime(RUNTIMES["torch_cuda"])
    with pytest.raises(UnknownNameError, match=r"clock must be one of .*'cpu', 'wall'.*got 'cpi'"):
        MeasureSettings(clock="cpi")


def test_a_command_says_nothing_of_its_clock():
    setup = measuring_setup(SPACE, "cifar10", CommandRuntime("true {model}"), MeasureSettings())
    assert "clock" not in setup


def test_journal_from_before_there_were_two_clocks_is_in_wall_time(tmp_path):
    with Journal(tmp_path / "j", {"threads": 1}) as journal:
        journal.append(RoundRecord("a", 0, (1.5,), 2.0))
    with Journal(tmp_path / "j", {"threads": 1, "clock": "wall"}) as journal:
        assert journal.records == [RoundRecord("a", 0, (1.5,), 2.0)]
    with pytest.raises(CostTableError, match=r"clock 'wall' \(now 'cpu'\)"):
        Journal(tmp_path / "j", {"threads": 1, "clock": "cpu"})


def test_bundled_tables_say_their_clock():
    clocks = {name: load_bundled(name).provenance.clock for name in bundled_tables()}
    for name, clock in clocks.items():
        assert clock in (("cpu", "wall") if "-cpu_" in name else (None,))
    assert clocks["nasbench201-cpu_litert"] == clocks["fbnet-cpu_onnxruntime"] == "wall"


def test_clocks_do_not_merge():
    by_wall = load_bundled("nasbench201-cpu_openvino")
    told = by_wall.provenance.to_dict()
    by_cpu = by_wall.with_provenance({**told, "clock": "cpu"})
    with pytest.raises(CostTableError, match="was made with clock 'wall' and 'cpu'; give one"):
        merge_tables([by_wall, by_cpu])
