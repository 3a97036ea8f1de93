import itertools
import math
import signal
import time

import numpy as np
import pytest
from my_space import MySpace

from archcost.errors import ArchcostError
from archcost.measuring import RUNTIMES
from archcost.measuring.journal import Journal, RoundRecord
from archcost.measuring.machine import describe_machine
from archcost.measuring.measure_settings import MeasureSettings
from archcost.measuring.measured_table import measured_table
from archcost.measuring.measuring import measure, measuring_setup, reference_arch
from archcost.measuring.runtime import Runtime
from archcost.measuring.split_half import split_half_correlation
from archcost.spaces import get_space

SPACE = get_space("nasbench201")
ARCHS = SPACE.sample(6, seed=0)
MANY = SPACE.sample(40, seed=1)
REFERENCE = reference_arch(SPACE, "cifar10")


class ScriptedRuntime(Runtime):
    """Latency is 1 ms plus the index, and falls by 0.01 ms a run; the reference takes 2 ms.

    What `broken` names cannot be loaded, as often as it is listed; `runs_left` are granted until
    Ctrl-C.
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
        if self.broken.get(index):
            raise self.broken[index].pop()
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
    return journal.records, setup


def summarise(records, setup, archs=ARCHS):
    return measured_table(
        SPACE, archs, records, device="my_board", setup=setup, provenance={"seed": 0}
    )


def test_every_round_visits_every_architecture_in_another_order(tmp_path):
    runtime = ScriptedRuntime()
    records, _ = run_rounds(tmp_path / "j", runtime)
    assert [record.round for record in records] == [0] * 6 + [1] * 6
    names = [record.arch for record in records]
    assert sorted(names[:6]) == sorted(names[6:]) == sorted(SPACE.format_many(ARCHS))
    assert names[:6] != names[6:]
    index = SPACE.index(names[0])
    # The warm-up, 0.01 ms slower, is not kept.
    assert records[0].latencies_ms == pytest.approx([index + 0.99, index + 0.98, index + 0.97])
    assert records[0].reference_ms == 2.0


def test_networks_are_loaded_in_batches_and_anew_after_some_rounds(tmp_path):
    runtime = ScriptedRuntime()
    records, _ = run_rounds(tmp_path / "j", runtime, rounds=4, loaded=4, rounds_per_load=2)
    assert len(runtime.loaded) == 2 * 6
    rounds = [record.round for record in records]
    assert rounds == [0] * 4 + [1] * 4 + [0] * 2 + [1] * 2 + [2] * 4 + [3] * 4 + [2] * 2 + [3] * 2


def test_same_call_resumes_and_more_rounds_or_architectures_extend(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_rounds(tmp_path / "j", ScriptedRuntime(runs_left=8 * 4 + 1))
    before = (tmp_path / "j").read_bytes()
    records, _ = run_rounds(tmp_path / "j", ScriptedRuntime(runs_left=4 * 4))
    assert (tmp_path / "j").read_bytes().startswith(before)
    assert len({(record.arch, record.round) for record in records}) == len(records) == 12
    more = ScriptedRuntime(runs_left=(8 * 3 - 12) * 4)
    run_rounds(tmp_path / "j", more, archs=SPACE.sample(8, seed=0), rounds=3)
    assert more.runs_left == 0


def test_time_budget_stops_and_keeps_what_is_there(tmp_path):
    records, setup = run_rounds(tmp_path / "j", ScriptedRuntime(), time_budget_s=1e-9)
    assert records == []
    table = summarise(records, setup)
    assert table.counts() == {"not_measured": 6}


def test_table_keeps_minimum_median_and_spread(tmp_path):
    arch = SPACE.format(ARCHS[0])
    records = [RoundRecord(arch, 0, (3.0, 2.0, 4.0)), RoundRecord(arch, 1, (1.0, 5.0, 9.0))]
    _, setup = run_rounds(tmp_path / "j", ScriptedRuntime(), rounds=1)
    table = summarise(records, setup, ARCHS[:1])
    row = table.to_pandas().iloc[0]
    # The rounds' fastest runs are 2 and 1 ms; the median over all six runs lies between 3 and 4.
    assert (row["cost"], row["cost_std"]) == (1.5, 0.5)
    assert (row["cost_min"], row["cost_median"]) == (1.0, 3.5)
    assert row["n_repeats"] == 6
    assert row["unit"] == "ms"
    assert row["status"] == "ok"
    expected = {"runtime": "scripted", "runtime_version": "1.0", "threads": 1, "batch_size": 1}
    assert expected.items() <= table.provenance.to_dict().items()
    assert {
        "cpu",
        "cores",
        "governor",
        "precision",
        "rounds",
        "seed",
    } <= table.provenance.to_dict().keys()


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
    records, setup = run_rounds(tmp_path / "j", runtime, rounds=40)
    frame = summarise(records, setup).to_pandas()
    truth = np.array(list(truth_ms.values()))
    # The slowdown changes within a record, so the correction is not exact.
    assert np.abs(frame["cost"] / frame["cost"].mean() * truth.mean() / truth - 1).max() < 0.08
    assert (frame["cost"] < frame["cost_median"]).all()


def failing(indices, error, times=9):
    return {index: [error] * times for index in indices}


def test_failures_are_rows_with_a_status_and_the_rest_goes_on(tmp_path):
    first, second, third = (SPACE.index(arch) for arch in ARCHS[2:5])
    broken = {
        **failing([first], RuntimeError("no kernel")),
        **failing([second], TimeoutError("after 5 s")),
        **failing([third], MemoryError()),
    }
    records, setup = run_rounds(tmp_path / "j", ScriptedRuntime(broken), rounds=5)
    table = summarise(records, setup)
    assert table.to_pandas()["status"].tolist() == [
        "ok", "ok", "did_not_compile", "timed_out", "failed", "ok",
    ]  # fmt: skip
    assert table.to_pandas()["cost"].isna().tolist() == [False, False, True, True, True, False]
    assert table.provenance.failures == {
        "did_not_compile": {"n_archs": 1, "first_error": "RuntimeError: no kernel"},
        "timed_out": {"n_archs": 1, "first_error": "TimeoutError: after 5 s"},
        "failed": {"n_archs": 1, "first_error": "MemoryError: "},
    }


def test_failure_is_tried_once_more_and_then_left_alone(tmp_path):
    index = SPACE.index(ARCHS[2])
    runtime = ScriptedRuntime(failing([index], RuntimeError("no kernel")))
    records, setup = run_rounds(tmp_path / "j", runtime, rounds=5)
    assert runtime.loaded.count(index) == 2
    assert [v.round for v in records if v.error] == [0, 1]
    assert len(records) == 5 * 5 + 2
    run_rounds(tmp_path / "j", runtime, rounds=9)
    assert runtime.loaded.count(index) == 2

    once = ScriptedRuntime(failing([index], RuntimeError("by chance"), times=1))
    records, setup = run_rounds(tmp_path / "k", once, rounds=5)
    table = summarise(records, setup)
    assert table.counts() == {"ok": 6}
    assert table.to_pandas()["n_repeats"].tolist() == [15, 15, 12, 15, 15, 15]
    assert table.provenance.failures is None


def test_failure_in_running_has_its_status(tmp_path):
    runtime = ScriptedRuntime()

    def load(space, ops, *_):
        def infer_ms():
            raise TimeoutError("the board is silent") if space.index(ops) % 2 else OSError("gone")

        return (lambda: 2.0) if np.array_equal(ops, REFERENCE) else infer_ms

    runtime.load = load
    records, _ = run_rounds(tmp_path / "j", runtime)
    index_of = {
        name: SPACE.index(arch) for name, arch in zip(SPACE.format_many(ARCHS), ARCHS, strict=True)
    }
    assert {record.status for record in records} == {"timed_out", "failed"}
    assert all((v.status == "timed_out") == (index_of[v.arch] % 2 == 1) for v in records)


def test_reference_network_must_run(tmp_path):
    def silent():
        raise OSError("gone")

    with pytest.raises(ArchcostError, match=r"scripted must run the reference .*OSError: gone"):
        run_rounds(tmp_path / "j", ScriptedRuntime(reference_ms=silent))


def test_runtime_that_repeats_by_itself_is_called_once_a_record(tmp_path):
    runtime = ScriptedRuntime(reference_ms=None)
    runtime.repeats_itself = True
    records, setup = run_rounds(tmp_path / "j", runtime, rounds=3)
    assert {(len(record.latencies_ms), record.reference_ms) for record in records} == {(1, 1.0)}
    assert (setup["runs_per_round"], setup["warmup_runs"], setup["reference_arch"]) == (1, 0, None)
    frame = summarise(records, setup).to_pandas()
    # Three calls, no warm-up: 1 + index, then 0.01 and 0.02 ms less.
    expected = [1.0 + SPACE.index(arch) - 0.01 for arch in ARCHS]
    assert frame["cost"].tolist() == pytest.approx(expected)
    assert frame["n_repeats"].tolist() == [3] * 6
    assert summarise(records, setup).provenance.reference_ms is None


@pytest.mark.parametrize("latency_ms", [-1.0, float("nan"), float("inf")])
def test_latency_that_is_none_is_a_failure(tmp_path, latency_ms):
    records, _ = run_rounds(tmp_path / "j", ScriptedRuntime(latency_ms=latency_ms), rounds=1)
    assert all(f"must be positive, but got {latency_ms}" in record.error for record in records)


def noisy(seed):
    rng = np.random.default_rng(seed)
    runtime = ScriptedRuntime()
    truth_ms = dict(zip(SPACE.format_many(MANY), np.linspace(5, 6, len(MANY)), strict=True))
    runtime.load = lambda space, ops, *_: (
        (lambda: 2.0)
        if np.array_equal(ops, REFERENCE)
        else lambda: truth_ms[space.format(ops)] + rng.normal(0, 0.5)
    )
    return runtime


def test_rounds_are_added_until_the_halves_agree(tmp_path):
    words = {"archs": MANY, "rounds": 4, "runs": 1, "warmup": 0}
    records, setup = run_rounds(tmp_path / "j", noisy(0), **words, repeatability=0.85)
    rounds = 1 + max(record.round for record in records)
    assert rounds > 4
    assert rounds % 4 == 0
    assert len(records) == 40 * rounds
    assert split_half_correlation(records).spearman >= 0.85
    before = [record for record in records if record.round < rounds - 4]
    assert split_half_correlation(before).spearman < 0.85
    table = summarise(records, setup, MANY)
    assert table.provenance.repeatability_spearman == split_half_correlation(records).spearman


def test_goal_out_of_reach_stops_at_the_greatest_number_of_rounds(tmp_path):
    words = {"archs": MANY, "rounds": 4, "runs": 1, "warmup": 0}
    goal = {"repeatability": 0.9999, "max_rounds": 10}
    records, _ = run_rounds(tmp_path / "j", noisy(0), **words, **goal)
    assert len(records) == 40 * 10
    again, _ = run_rounds(tmp_path / "j", noisy(0), **words, **goal)
    assert len(again) == 40 * 10
    # Where nothing can be ranked, no number of rounds helps.
    few, _ = run_rounds(tmp_path / "k", noisy(0), **{**words, "archs": MANY[:2]}, **goal)
    assert len(few) == 2 * 4


def test_resuming_finishes_the_rounds_that_a_goal_began(tmp_path):
    words = {"archs": MANY, "rounds": 4, "runs": 1, "warmup": 0, "repeatability": 0.9999}
    run_rounds(tmp_path / "j", noisy(0), **words, max_rounds=8)
    lines = (tmp_path / "j").read_bytes().splitlines(keepends=True)
    (tmp_path / "j").write_bytes(b"".join(lines[:-90]))
    records, _ = run_rounds(tmp_path / "j", noisy(1), **{**words, "repeatability": 1e-9})
    assert len(records) == len({(record.arch, record.round) for record in records}) == 40 * 6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rounds": 0}, "rounds must be 1 or more, but got 0"),
        ({"warmup": -1}, "warmup must be 0 or more, but got -1"),
        ({"loaded": 0}, "loaded must be 1 or more, but got 0"),
        ({"time_budget_s": 0.0}, "time budget must be positive"),
        ({"repeatability": 98}, "must lie between 0 and 1, but got 98"),
        ({"repeatability": 0.9, "rounds": 1}, "rounds must be 2 or more to be split"),
        ({"repeatability": 0.9, "max_rounds": 8}, "must be at least rounds, 20, but got 8"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ArchcostError, match=message):
        MeasureSettings(**settings)


def test_machine_is_described_without_names(monkeypatch, tmp_path):
    assert describe_machine()["cores"] >= 1
    monkeypatch.setattr("archcost.measuring.machine.CPUINFO", tmp_path / "none")
    monkeypatch.setattr("archcost.measuring.machine.GOVERNOR", tmp_path / "governor")
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


def test_reference_of_a_space_with_rules_is_valid_and_of_median_work():
    space = MySpace()
    reference = reference_arch(space, "photos")
    assert space.valid(reference[None]).all()
    assert np.array_equal(reference, reference_arch(space, "photos"))
    flops = [space.workload(arch, "photos").flops for arch in space.sample(200, seed=3)]
    assert np.quantile(flops, 0.25) < space.workload(reference, "photos").flops
    assert space.workload(reference, "photos").flops < np.quantile(flops, 0.75)


def test_a_device_that_is_gone_ends_the_measuring_and_blames_no_network(tmp_path):
    def unplugged():
        if runtime.runs_left < 0:
            raise ConnectionError("no route to host")
        return 2.0

    class Unplugged(ScriptedRuntime):
        def load(self, space, ops, dataset, threads):
            network = super().load(space, ops, dataset, threads)

            def infer_ms():
                try:
                    return network()
                except KeyboardInterrupt:
                    raise ConnectionError("no route to host") from None

            return infer_ms

    runtime = Unplugged(runs_left=3 * 4, reference_ms=unplugged)
    with pytest.raises(ArchcostError, match=r"must run the reference network .*no route to host"):
        run_rounds(tmp_path / "j", runtime, archs=MANY)
    records, _ = run_rounds(tmp_path / "j", ScriptedRuntime(), archs=MANY)
    assert len(records) == 2 * len(MANY)
    assert not any(record.error for record in records)


def test_failures_in_a_row_count_where_the_device_works(tmp_path):
    broken = {SPACE.index(arch): [ValueError("odd"), ValueError("odd")] for arch in MANY[:12]}
    records, _ = run_rounds(tmp_path / "j", ScriptedRuntime(broken), archs=MANY[:12])
    assert len(records) == 2 * 12
    assert {record.status for record in records} == {"did_not_compile"}


def test_failures_at_the_end_of_a_batch_make_sure_of_the_device_too(tmp_path):
    answers = iter([2.0, 2.0])

    def reference():
        for answer in answers:
            return answer
        raise ConnectionError("no route to host")

    broken = {SPACE.index(arch): [ValueError("off")] for arch in ARCHS[:2]}
    with pytest.raises(ArchcostError, match="no route to host"):
        run_rounds(
            tmp_path / "j",
            ScriptedRuntime(broken, reference_ms=reference),
            archs=ARCHS[:2],
            rounds=1,
        )
    records, _ = run_rounds(tmp_path / "j", ScriptedRuntime(), archs=ARCHS[:2], rounds=1)
    assert [record.error for record in records] == [None, None]


def test_a_short_time_budget_gets_somewhere_although_loading_is_slow(tmp_path):
    class Slow(ScriptedRuntime):
        def load(self, *args):
            time.sleep(0.02)
            return super().load(*args)

    first, _ = run_rounds(tmp_path / "j", Slow(), archs=MANY, time_budget_s=0.4)
    assert len(first) > 0
    second, _ = run_rounds(tmp_path / "j", Slow(), archs=MANY, time_budget_s=0.4)
    assert len(second) > len(first)


def test_ctrl_c_that_a_runtime_swallows_still_ends_and_is_no_failure(tmp_path):
    class Swallowing(ScriptedRuntime):
        def load(self, *args):
            network = super().load(*args)

            def infer_ms():
                if len(self.loaded) == 3:
                    try:
                        signal.raise_signal(signal.SIGINT)
                    except BaseException:
                        raise RuntimeError("the library failed") from None
                return network()

            return infer_ms

    with pytest.raises(KeyboardInterrupt):
        run_rounds(tmp_path / "j", Swallowing(), archs=MANY[:6])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    records, _ = run_rounds(tmp_path / "j", ScriptedRuntime(), archs=MANY[:6])
    assert len(records) == 2 * 6 and not any(record.error for record in records)
