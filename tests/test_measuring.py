import itertools
import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from archcost.datasets import ArchcostError, CostTableError, IntegrityError, get_space
from archcost.datasets.journal import Journal, Visit
from archcost.datasets.machine import describe_machine
from archcost.datasets.measured_table import measured_table, repeatability
from archcost.datasets.measuring import (
    MeasureSettings,
    measure,
    measuring_setup,
    reference_arch,
)
from archcost.datasets.round_costs import middle_mean, sensitivity
from archcost.datasets.runtime import Runtime
from archcost.datasets.runtimes import RUNTIMES

SPACE = get_space("nasbench201")
ARCHS = SPACE.sample(6, seed=0)
REFERENCE = reference_arch(SPACE, "cifar10")


class ScriptedRuntime(Runtime):
    """Latency is 1 ms plus the index, and falls by 0.01 ms a run; the reference takes 2 ms.

    What `broken` names cannot be loaded; `runs_left` are granted until Ctrl-C.
    """

    name, precision = "scripted", "fp32"

    def __init__(self, broken=None, runs_left=math.inf, latency_ms=None, reference_ms=lambda: 2.0):
        self.broken, self.runs_left = broken or {}, runs_left
        self.latency_ms, self.reference_ms = latency_ms, reference_ms
        self.loaded = []

    def version(self):
        return "1.0"

    def load(self, space, ops, dataset, threads):
        if np.array_equal(ops, REFERENCE):
            return self.reference_ms
        index = space.index(ops)
        self.loaded.append(index)
        if index in self.broken:
            raise self.broken[index]
        place_in_visit = itertools.cycle(range(4))

        def infer_ms():
            self.runs_left -= 1
            if self.runs_left < 0:
                raise KeyboardInterrupt
            return self.latency_ms or 1.0 + index - next(place_in_visit) / 100

        return infer_ms


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
    assert [visit.round for visit in visits] == [0] * 6 + [1] * 6
    names = [visit.arch for visit in visits]
    assert sorted(names[:6]) == sorted(names[6:]) == sorted(SPACE.format_many(ARCHS))
    assert names[:6] != names[6:]
    index = SPACE.index(names[0])
    # The warm-up, 0.01 ms slower, is not kept.
    assert visits[0].latencies_ms == pytest.approx([index + 0.99, index + 0.98, index + 0.97])
    assert visits[0].reference_ms == 2.0


def test_networks_are_loaded_in_batches_and_anew_after_some_rounds(tmp_path):
    runtime = ScriptedRuntime()
    visits, _ = run_rounds(tmp_path / "j", runtime, rounds=4, loaded=4, rounds_per_load=2)
    assert len(runtime.loaded) == 2 * 6
    rounds = [visit.round for visit in visits]
    assert rounds == [0] * 4 + [1] * 4 + [0] * 2 + [1] * 2 + [2] * 4 + [3] * 4 + [2] * 2 + [3] * 2


def test_same_call_resumes_and_more_rounds_or_architectures_extend(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_rounds(tmp_path / "j", ScriptedRuntime(runs_left=8 * 4 + 1))
    before = (tmp_path / "j").read_bytes()
    visits, _ = run_rounds(tmp_path / "j", ScriptedRuntime(runs_left=4 * 4))
    assert (tmp_path / "j").read_bytes().startswith(before)
    assert len({(visit.arch, visit.round) for visit in visits}) == len(visits) == 12
    more = ScriptedRuntime(runs_left=(8 * 3 - 12) * 4)
    run_rounds(tmp_path / "j", more, archs=SPACE.sample(8, seed=0), rounds=3)
    assert more.runs_left == 0


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
    # The rounds' fastest runs are 2 and 1 ms; the median over all six runs lies between 3 and 4.
    assert (row["cost"], row["cost_std"]) == (1.5, 0.5)
    assert (row["cost_min"], row["cost_median"]) == (1.0, 3.5)
    assert row["n_repeats"] == 6
    assert row["unit"] == "ms"
    assert row["status"] == "ok"
    expected = {"runtime": "scripted", "runtime_version": "1.0", "threads": 1, "batch_size": 1}
    assert expected.items() <= table.provenance.items()
    assert {"cpu", "cores", "governor", "precision", "rounds", "seed"} <= table.provenance.keys()


def test_slowdown_that_the_reference_sees_is_taken_out(tmp_path):
    rng = np.random.default_rng(0)
    slowdown = [1.0]

    def reference_ms():
        slowdown[0] = 1.0 + rng.random()
        return 2.0 * slowdown[0]

    runtime = ScriptedRuntime(reference_ms=reference_ms)
    truth_ms = {SPACE.index(arch): 5.0 + place / 10 for place, arch in enumerate(ARCHS)}
    runtime.load = lambda space, ops, *_: (
        reference_ms
        if np.array_equal(ops, REFERENCE)
        else lambda: truth_ms[SPACE.index(ops)] * slowdown[0]
    )
    visits, setup = run_rounds(tmp_path / "j", runtime, rounds=40)
    frame = summarise(visits, setup).to_pandas()
    truth = np.array(list(truth_ms.values()))
    # The slowdown changes within a visit, so the correction is not exact.
    assert np.abs(frame["cost"] / frame["cost"].mean() * truth.mean() / truth - 1).max() < 0.08
    assert (frame["cost"] < frame["cost_median"]).all()


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


def test_middle_mean_ignores_both_ends():
    assert middle_mean(np.array([9.0, 1.0, 2.0, 3.0])) == 2.5
    assert middle_mean(np.array([4.0])) == 4.0


def test_sensitivity_is_the_slope_within_architectures():
    rng = np.random.default_rng(1)
    visits = []
    for place in range(30):
        for round_number in range(8):
            reference_ms = 2 * np.exp(rng.random())
            latency_ms = (1 + place) * reference_ms**0.6 * np.exp(0.01 * rng.standard_normal())
            visits.append(Visit(f"arch {place}", round_number, (latency_ms,), reference_ms))
    assert sensitivity(visits) == pytest.approx(0.6, abs=0.01)
    assert sensitivity(visits[:1]) == 0.0


def test_repeatability_is_the_rank_correlation_of_the_halves():
    rng = np.random.default_rng(0)
    latencies_ms = 5 + rng.random((40, 5, 3)) + np.linspace(0, 2, 40)[:, None, None]
    visits = [
        Visit(f"arch {i}", r, tuple(latencies_ms[i, r]))
        for r in reversed(range(5))
        for i in range(40)
    ]
    fastest = latencies_ms.min(axis=2)
    # Of 2 and 3 rounds the middle half is all of them.
    first, second = fastest[:, :2].mean(axis=1), fastest[:, 2:].mean(axis=1)
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
        ({"rounds": 0}, "rounds must be 1 or more, but got 0"),
        ({"warmup": -1}, "warmup must be 0 or more, but got -1"),
        ({"loaded": 0}, "loaded must be 1 or more, but got 0"),
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


def test_reference_is_alive_and_of_medium_size():
    assert SPACE.format(REFERENCE).count("nor_conv_1x1") == 6
    assert get_space("fbnet").format(reference_arch(get_space("fbnet"), "cifar100")) == "-".join(
        ["k5_e3"] * 22
    )
