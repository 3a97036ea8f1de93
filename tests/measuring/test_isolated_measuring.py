import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from archcost.errors import ArchcostError
from archcost.measuring import get_runtime
from archcost.measuring.isolated_measuring import Job, measure_isolated
from archcost.measuring.journal import Journal
from archcost.measuring.measure_settings import MeasureSettings
from archcost.measuring.measuring import measuring_setup, reference_arch
from archcost.plugins import load_object
from archcost.spaces import get_space

SPACE = get_space("nasbench201")
ARCHS = SPACE.all_ops[[3, 1000, 2000, 3000]]
RUNTIME = """
import os, signal, sys
from pathlib import Path

from archcost.errors import ArchcostError
from archcost.measuring.runtime import Runtime


class Crashing(Runtime):
    name, precision = "crashing", "fp32"

    def __init__(self, crashes, log):
        self.crashes, self.log = crashes, log

    def version(self):
        return "1.0"

    def load(self, space, ops, dataset, threads):
        index = space.index(ops)
        how = self.crashes.get(index, "")
        with Path(self.log).open("a") as log:
            print(index, file=log)
        if how == "raising":
            raise OSError("gone")
        if how == "loading":
            os.abort()
        if how == "killed" and Path(self.log).read_text().count("2000") == 1:
            os.kill(os.getpid(), signal.SIGKILL)

        def infer_ms():
            if how == "running":
                os.abort()
            if how == "exit":
                os._exit(7)
            return 1.0 + index

        return infer_ms
"""


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Return what makes a job of a runtime that the child process can import."""
    (tmp_path / "crashing_runtime.py").write_text(RUNTIME)
    monkeypatch.syspath_prepend(tmp_path)
    from crashing_runtime import Crashing

    def make(crashes, **settings):
        runtime = Crashing(crashes, str(tmp_path / "log"))
        settings = MeasureSettings(**{"rounds": 3, "runs": 1, "warmup": 0, **settings})
        setup = measuring_setup(SPACE, "cifar10", runtime, settings)
        return Job(SPACE, ARCHS, "cifar10", runtime, settings, tmp_path / "j", setup)

    return make


def records(job):
    with Journal(job.journal_path, job.setup) as journal:
        return journal.records


def test_network_that_crashes_the_runtime_is_met_twice_and_the_rest_goes_on(job, tmp_path, capfd):
    crashing = job({1000: "loading", 3000: "running"})
    measure_isolated(crashing)
    found = records(crashing)
    good = {(SPACE.index(record.arch), record.round) for record in found if record.error is None}
    assert good == {(index, r) for index in (3, 2000) for r in range(3)}
    bad = [(SPACE.index(v.arch), v.round, v.status, v.error) for v in found if v.error]
    error = "the runtime crashed the process (SIGABRT)"
    assert sorted(bad) == [(index, r, "failed", error) for index in (1000, 3000) for r in range(2)]
    assert capfd.readouterr().err.count("recorded, and the rest goes on") == 4
    before = (tmp_path / "log").read_text()
    measure_isolated(crashing)
    added = (tmp_path / "log").read_text()[len(before) :].split()
    assert "1000" not in added
    assert "3000" not in added


def test_process_that_ends_itself_is_a_crash(job):
    crashing = job({2000: "exit"}, rounds=1)
    measure_isolated(crashing)
    errors = [record.error for record in records(crashing) if record.error]
    assert errors == ["the runtime crashed the process (exit status 7)"]
    assert len(records(crashing)) == 4


@pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")
def test_process_that_is_killed_goes_on_with_fewer_networks(job, capfd):
    killed = job({2000: "killed"}, loaded=4)
    measure_isolated(killed)
    assert [record.error for record in records(killed)] == [None] * 12
    assert "(SIGKILL), as systems do when memory runs out; going on with --loaded 2" in (
        capfd.readouterr().err
    )


def test_reference_network_must_run(job):
    reference = SPACE.index(reference_arch(SPACE, "cifar10"))
    with pytest.raises(ArchcostError, match=r"crashing crashed the process \(SIGABRT\) before"):
        measure_isolated(job({reference: "loading"}))
    with pytest.raises(ArchcostError, match=r"must run the reference network .*OSError: gone"):
        measure_isolated(job({reference: "raising"}))
    assert records(job({})) == []


def test_another_setup_is_refused_before_anything_runs(job, tmp_path):
    measure_isolated(job({}, rounds=1))
    before = (tmp_path / "log").read_text()
    with pytest.raises(ArchcostError, match="must be measured with one setup"):
        measure_isolated(job({}, threads=2))
    assert (tmp_path / "log").read_text() == before


def test_first_run_that_failed_locks_nothing(job):
    everything = {int(SPACE.index(arch)): "running" for arch in ARCHS}
    measure_isolated(job(everything))
    assert len(records(job({}))) == 8
    mended = job({})
    measure_isolated(mended)  # the same setup: what failed is tried again
    assert [record.error for record in records(mended)] == [None] * 12
    other = job(everything, threads=2)
    other.journal_path.unlink()
    measure_isolated(other)
    measure_isolated(job({}, threads=3))  # another setup
    assert len(records(job({}, threads=3))) == 12


def test_space_and_runtime_of_files_arrive_in_the_process(tmp_path):
    mine = "class Mine(Crashing):\n    def __init__(self):\n        super().__init__({}, LOG)\n"
    (tmp_path / "my_runtime.py").write_text(f"LOG = {str(tmp_path / 'log')!r}\n{RUNTIME}\n{mine}")
    space = load_object(f"{Path(__file__).parents[1] / 'my_space.py'}:MySpace")()
    runtime = get_runtime(f"{tmp_path / 'my_runtime.py'}:Mine")
    settings = MeasureSettings(rounds=1, runs=1, warmup=0)
    setup = measuring_setup(space, "maps", runtime, settings)
    archs = space.sample(3, seed=0)
    isolated = Job(space, archs, "maps", runtime, settings, tmp_path / "j", setup)
    measure_isolated(isolated)
    found = records(isolated)
    assert {record.arch for record in found} == set(space.format_many(archs))
    assert all(record.error is None for record in found)


def test_time_budget_covers_all_processes(job):
    budget = job({3: "loading"}, time_budget_s=1e-9)
    measure_isolated(budget)
    assert records(budget) == []


def test_ctrl_c_stops_the_child(job, monkeypatch):
    before = multiprocessing.active_children()  # an energy counter may have started some
    started = []

    def recv(connection):
        started.extend(child for child in multiprocessing.active_children() if child not in before)
        raise KeyboardInterrupt

    monkeypatch.setattr(Connection, "recv", recv)
    with pytest.raises(KeyboardInterrupt):
        measure_isolated(job({}))
    assert len(started) == 1
    assert not started[0].is_alive()
