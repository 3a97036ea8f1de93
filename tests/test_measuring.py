import numpy as np
import pytest
from scipy.stats import spearmanr

from archcost.datasets import ArchcostError, CostTableError, IntegrityError, get_space
from archcost.datasets.journal import Journal, Visit
from archcost.datasets.machine import describe_machine
from archcost.datasets.measured_table import measured_table, repeatability
from archcost.datasets.measuring import MeasureSettings, measure, measuring_setup
from archcost.datasets.runtime import Runtime
from archcost.datasets.runtimes import RUNTIMES

SPACE = get_space("nasbench201")
ARCHS = SPACE.sample(6, seed=0)


class ScriptedRuntime(Runtime):
    """Latencies follow from the architecture; what `broken` names fails, `stop_after` is Ctrl-C."""

    name, precision = "scripted", "fp32"

    def __init__(self, broken=None, stop_after=None, latency_ms=None):
        self.broken, self.stop_after, self.latency_ms = broken or {}, stop_after, latency_ms
        self.loaded = []

    def version(self):
        return "1.0"

    def load(self, space, ops, dataset, threads):
        if self.stop_after is not None and len(self.loaded) >= self.stop_after:
            raise KeyboardInterrupt
        index = space.index(ops)
        self.loaded.append(index)
        if index in self.broken:
            raise self.broken[index]
        runs = iter(range(1000))
        return lambda: self.latency_ms or 1.0 + index + (10 - next(runs)) / 100


def run_rounds(path, runtime, archs=ARCHS, **settings):
    settings = MeasureSettings(**{"rounds": 2, "runs": 3, "warmup": 1, **settings})
    setup = measuring_setup(SPACE, "cifar10", runtime, settings)
    with Journal(path, setup) as journal:
        measure(SPACE, archs, "cifar10", runtime, journal, settings)
    return journal.visits, setup


def summarise(visits, setup, archs=ARCHS):
    return measured_table(
        SPACE, archs, visits, device="my_board", setup=setup, provenance={"seed": 0}
    )


def test_every_round_visits_every_architecture_in_another_order(tmp_path):
    runtime = ScriptedRuntime()
    visits, _ = run_rounds(tmp_path / "j", runtime)
    indices = [SPACE.index(arch) for arch in ARCHS]
    first, second = runtime.loaded[:6], runtime.loaded[6:]
    assert sorted(first) == sorted(second) == sorted(indices)
    assert first != second
    assert [visit.round for visit in visits] == [0] * 6 + [1] * 6
    index = SPACE.index(visits[0].arch)
    # The warm-up (10 hundredths above) is not kept.
    assert visits[0].latencies_ms == pytest.approx([index + 1.09, index + 1.08, index + 1.07])


def test_same_call_resumes_and_more_rounds_or_architectures_extend(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_rounds(tmp_path / "j", ScriptedRuntime(stop_after=8))
    rest = ScriptedRuntime()
    visits, _ = run_rounds(tmp_path / "j", rest)
    assert len(rest.loaded) == 4
    assert len({(visit.arch, visit.round) for visit in visits}) == len(visits) == 12
    more = ScriptedRuntime()
    run_rounds(tmp_path / "j", more, archs=SPACE.sample(8, seed=0), rounds=3)
    assert len(more.loaded) == 8 * 3 - 12


def test_half_a_line_from_a_killed_process_is_dropped(tmp_path):
    path = tmp_path / "j"
    run_rounds(path, ScriptedRuntime(), rounds=1)
    path.write_bytes(path.read_bytes()[:-20])
    again = ScriptedRuntime()
    visits, _ = run_rounds(path, again, rounds=1)
    assert len(again.loaded) == 1
    assert len(visits) == 6
    assert path.read_bytes().count(b"\n") == 7


def test_time_budget_stops_and_keeps_what_is_there(tmp_path):
    visits, setup = run_rounds(tmp_path / "j", ScriptedRuntime(), time_budget_s=1e-9)
    assert visits == []
    table = summarise(visits, setup)
    assert table.counts() == {"not_measured": 6}


def test_table_keeps_minimum_median_and_spread(tmp_path):
    arch = SPACE.format(ARCHS[0])
    visits = [Visit(arch, 0, (3.0, 2.0, 4.0)), Visit(arch, 1, (1.0, 5.0, 9.0))]
    _, setup = run_rounds(tmp_path / "j", ScriptedRuntime(), rounds=1)
    table = summarise(visits, setup, ARCHS[:1])
    row = table.to_pandas().iloc[0]
    assert (row["cost"], row["cost_median"], row["cost_std"]) == (1.0, 3.5, 0.5)
    assert row["n_repeats"] == 6
    assert row["unit"] == "ms"
    assert row["status"] == "ok"
    expected = {"runtime": "scripted", "runtime_version": "1.0", "threads": 1, "batch_size": 1}
    assert expected.items() <= table.provenance.items()
    assert {"cpu", "cores", "governor", "precision", "rounds", "seed"} <= table.provenance.keys()


def test_failures_are_rows_with_a_status_and_the_rest_goes_on(tmp_path):
    indices = [SPACE.index(arch) for arch in ARCHS]
    runtime = ScriptedRuntime(broken={indices[2]: RuntimeError("no kernel"), indices[4]: OSError()})
    visits, setup = run_rounds(tmp_path / "j", runtime)
    table = summarise(visits, setup)
    assert table.counts() == {"failed": 2, "ok": 4}
    assert table.to_pandas()["cost"].isna().tolist() == [False, False, True, False, True, False]
    errors = {visit.error for visit in visits if visit.error}
    assert errors == {"RuntimeError: no kernel", "OSError: "}


@pytest.mark.parametrize("latency_ms", [-1.0, float("nan"), float("inf")])
def test_latency_that_is_none_is_a_failure(tmp_path, latency_ms):
    visits, _ = run_rounds(tmp_path / "j", ScriptedRuntime(latency_ms=latency_ms), rounds=1)
    assert all(f"must be positive, but got {latency_ms}" in visit.error for visit in visits)


def test_repeatability_is_the_rank_correlation_of_the_halves():
    rng = np.random.default_rng(0)
    latencies_ms = 5 + rng.random((40, 5, 3)) + np.linspace(0, 2, 40)[:, None, None]
    visits = [
        Visit(f"arch {i}", r, tuple(latencies_ms[i, r]))
        for r in reversed(range(5))
        for i in range(40)
    ]
    first = latencies_ms[:, :2].min(axis=(1, 2))
    second = latencies_ms[:, 2:].min(axis=(1, 2))
    found = repeatability(visits)
    assert found.n_archs == 40
    assert found.spearman == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)


def test_repeatability_of_too_little_is_none():
    one_round = [Visit(f"arch {i}", 0, (1.0 + i,)) for i in range(5)]
    assert repeatability(one_round).spearman is None
    all_equal = [Visit(f"arch {i}", r, (1.0,)) for i in range(5) for r in range(2)]
    assert repeatability(all_equal).spearman is None
    assert repeatability([]).n_archs == 0


def test_journal_of_another_setup_is_refused(tmp_path):
    run_rounds(tmp_path / "j", ScriptedRuntime())
    with pytest.raises(CostTableError, match=r"begun with threads 1 \(now 2\).*another --out"):
        run_rounds(tmp_path / "j", ScriptedRuntime(), threads=2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PAR1\x00\x01\n", "line 1 is"),
        (b'{"arch": "x"}\n', "must begin with its setup"),
        (b'{"setup": {}}\n[1]\n', "line 2 is"),
    ],
)
def test_file_that_is_no_journal_is_refused(tmp_path, content, message):
    (tmp_path / "j").write_bytes(content)
    with pytest.raises(IntegrityError, match=message):
        Journal(tmp_path / "j", {})


def test_line_without_its_fields_is_refused(tmp_path):
    (tmp_path / "j").write_bytes(b'{"setup": {}}\n{"arch": "x", "ms": [1]}\n')
    with pytest.raises(IntegrityError, match="line 2 of the journal"):
        Journal(tmp_path / "j", {})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rounds": 0}, "rounds must be at least 1, but got 0"),
        ({"warmup": -1}, "warmup must be at least 0, but got -1"),
        ({"time_budget_s": 0.0}, "time budget must be positive"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ArchcostError, match=message):
        MeasureSettings(**settings)


def test_machine_is_described_without_names(monkeypatch, tmp_path):
    assert describe_machine()["cores"] >= 1
    monkeypatch.setattr("archcost.datasets.machine.CPUINFO", tmp_path / "none")
    monkeypatch.setattr("archcost.datasets.machine.GOVERNOR", tmp_path / "governor")
    (tmp_path / "governor").write_text("performance\n")
    assert describe_machine()["governor"] == "performance"
    assert describe_machine()["cpu"]


def test_onnxruntime_measures_both_spaces():
    pytest.importorskip("onnxruntime")
    runtime = RUNTIMES["onnxruntime"]
    assert runtime.version()[0].isdigit()
    for name, arch in (("nasbench201", [0] * 6), ("nasbench201", [3] * 6), ("fbnet", [8] * 22)):
        space = get_space(name)
        infer_ms = runtime.load(space, space.parse(arch), space.default_dataset, 1)
        assert 0 < infer_ms() < 1000
