"""Costs in another unit than their column's: single ones and mixtures."""

import numpy as np
import pytest

from archcost.cli.main import main
from archcost.datasets import CostTable, load_bundled
from archcost.errors import ArchcostWarning, CostTableError
from archcost.predictors import LookupPredictor
from archcost.spaces import SPACES
from archcost.training import transfer
from archcost.training.measurements import read_measurements
from archcost.training.trainer import TrainSettings, run_trial
from archcost.training.unit_checks import check_units

CELLS = SPACES["nasbench201"]
ALIVE = np.array([row for row in CELLS.sample(80, seed=1) if row[3] > 0])[:40]
COST = 2.0 + (ALIVE == 3).sum(axis=1) * 5.0


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (1000, "looks like microseconds in a column of ms"),
        (0.001, "looks like seconds in a column of ms"),
        (3e5, "looks like a mishap"),
    ],
)
def test_one_wrong_cost_is_named_and_left_out(factor, said):
    cost = COST.copy()
    cost[7] *= factor
    found = check_units(CELLS, ALIVE, cost, "ms")
    assert np.flatnonzero(~found.sound).tolist() == [7]
    (text,) = found.warnings
    assert text.startswith("row 7 ('|") and said in text


def test_a_mixture_of_units_is_an_error_with_both_clusters():
    cost = COST.copy()
    cost[5:17] /= 1000
    with pytest.raises(CostTableError, match=r"two clusters .* 28 rows .* 12 rows") as e:
        check_units(CELLS, ALIVE, cost, "ms")
    assert "seconds in a column of ms" in str(e.value) and "rows 5, 6, 7, ..." in str(e.value)


def test_costs_of_cells_that_compute_nothing_are_no_outliers():
    ops = np.concatenate([ALIVE, np.zeros((3, 6), dtype=ALIVE.dtype)])
    found = check_units(CELLS, ops, np.append(COST, [0.003, 0.003, 0.004]), "ms")
    assert found.sound.all() and not found.warnings


def test_a_few_costs_are_not_judged():
    assert check_units(CELLS, ALIVE[:3], np.array([1.0, 2.0, 3000.0]), "ms").sound.all()


def test_transfer_learns_without_the_outlier(tmp_path):
    cost = COST[:12].copy()
    cost[4] *= 1000
    lines = [f'"{CELLS.format(a)}",{c}' for a, c in zip(ALIVE, cost, strict=False)]
    path = tmp_path / "m.csv"
    path.write_text("\n".join(["arch,latency_ms", *lines]))
    with pytest.warns(ArchcostWarning, match="pi: row 6 .* is left out"):  # as a spreadsheet counts
        model = transfer(CELLS, path, device="pi", sources=[])
    names, others = map(CELLS.format, np.delete(ALIVE[:12], 4, 0)), np.delete(COST[:12], 4)
    clean = transfer(CELLS, dict(zip(names, others, strict=True)), device="pi", sources=[])
    np.testing.assert_allclose(model.predict(ALIVE), clean.predict(ALIVE))
    assert model.manifest.training["n_outliers"] == 1


def test_train_and_data_check_say_it_too(tmp_path, capsys):
    cost = COST.copy()
    cost[3] *= 1000
    table = CostTable.from_costs(CELLS, ALIVE, cost, device="pi")
    with pytest.warns(ArchcostWarning, match="row 3 .* is left out"):
        trial = run_trial(table, None, TrainSettings(predictor="lookup"))
    assert trial.truth.max() < 100
    path = table.write(tmp_path / "t.parquet")
    assert main(["data", "check", str(path)]) == 0
    assert "row 3" in capsys.readouterr().out
    cost[:10] *= 1000
    CostTable.from_costs(CELLS, ALIVE, cost, device="pi").write(path)
    assert main(["data", "check", str(path)]) == 1
    assert "two clusters" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nasbench201-ethos_u55", "nasbench201-cpu_litert_int8"])
def test_costs_of_sound_tables_are_not_suspected(name):
    """The two bundled columns of the widest range; few rows and all of them."""
    table = load_bundled(name)
    ops, cost = table.costs(next(iter(table.keys())))
    rng = np.random.default_rng(0)
    for n in (5, 10, 20, 50, 100, len(ops)):
        rows = rng.permutation(len(ops))[:n]
        assert check_units(CELLS, ops[rows], cost[rows], "ms").warnings == []


@pytest.mark.parametrize("value", [1e300, 1e-140, True, "1.0"])
def test_costs_that_no_device_has_are_refused(value):
    given = {CELLS.format(ALIVE[0]): value, CELLS.format(ALIVE[1]): 2.0}
    with pytest.raises(CostTableError, match="costs must be"):
        read_measurements(CELLS, given, "pi", None, None)
    if value != "1.0":
        costs = [value, value] if value is True else [value, 2.0]
        with pytest.raises(CostTableError, match="costs must be"):
            LookupPredictor().fit(ALIVE[:2], costs, space=CELLS)


@pytest.mark.parametrize("n", [2, 3])
def test_constant_costs_of_few_rows_are_predicted(n):
    model = transfer(CELLS, dict.fromkeys(map(CELLS.format, ALIVE[:n]), 7.0), sources=[])
    np.testing.assert_allclose(model.predict(ALIVE[n:]), 7.0, rtol=0.05)
