"""Distilled models: nearly their teachers, and tables."""

import numpy as np
import pytest
from my_space import MySpace

import archcost
from archcost.datasets import CostKey, CostTable
from archcost.errors import ArchcostError
from archcost.models import CostModel
from archcost.models.additive_form import AdditiveForm
from archcost.search import optimum
from archcost.spaces import get_space
from archcost.training import TrainSettings, distil, train

NETS = get_space("fbnet")


@pytest.fixture(scope="module")
def trees():
    ops = NETS.sample(300, seed=0)
    cost = archcost.load("raspi4", space=NETS).predict(ops)
    table = CostTable.from_costs("fbnet", ops, cost, device="my_board")
    return train(table, settings=TrainSettings(predictor="lightgbm"))


def test_a_student_says_how_far_it_is_from_its_teacher(trees, tmp_path):
    student = distil(trees, n_archs=2_000, seed=1)
    assert isinstance(student.compile(), AdditiveForm)
    ops = NETS.sample(1_000, seed=2)
    truth, predicted = trees.predict(ops), student.predict(ops)
    rmse = np.sqrt(np.mean((predicted / truth - 1) ** 2))
    scores = student.manifest.scores
    assert 0 < scores["distilled_rmse"] == pytest.approx(rmse, rel=0.15)
    assert scores["distilled_spearman"] > 0.95
    assert scores["distilled_max"] > scores["distilled_rmse"]
    teacher_std = trees.predict(ops, return_std=True)[1] / truth
    student_std = student.predict(ops, return_std=True)[1] / predicted
    assert (student_std > np.median(teacher_std)).all()
    assert student.key == trees.key
    assert student.manifest.training["distilled_from"] == "lightgbm"
    loaded = CostModel.load(student.save(tmp_path / str(student.key)))
    np.testing.assert_array_equal(loaded.predict(ops), predicted)
    again = distil(trees, n_archs=2_000, seed=1)
    np.testing.assert_array_equal(again.predict(ops), predicted)


def test_optima_of_a_student_are_proven(trees):
    student = distil(trees, n_archs=2_000)
    found = optimum("fbnet", "flops", {"my_board": 20.0}, models={"my_board": student})
    assert found.is_proven
    assert found.costs["my_board_latency_ms"] <= 20.0


def test_tables_have_no_students():
    with pytest.raises(ArchcostError, match="slower than its student"):
        distil(archcost.load("raspi4", space="nasbench201"))
    with pytest.raises(ArchcostError, match="slower than its student"):
        distil(archcost.load("raspi4", space="fbnet"))


def test_spaces_that_are_not_additive_are_refused(monkeypatch):
    monkeypatch.setattr("archcost.spaces.space.ENUMERABLE", 10)
    space = MySpace()
    ops = space.sample(40, seed=0)
    table = CostTable.from_costs(space, ops, 1.0 + ops.sum(axis=1), device="my_board")
    model = train(table, settings=TrainSettings(predictor="gp"), space=space)
    assert model.key == CostKey(space.name, "my_board", "latency", space.default_dataset)
    with pytest.raises(ArchcostError, match="does not; predict in batches"):
        distil(model, n_archs=200)


def test_the_command_says_how_far_the_student_is(trees, tmp_path, capsys):
    from archcost.cli.main import main

    teacher, student = tmp_path / "teacher" / str(trees.key), tmp_path / str(trees.key)
    trees.save(teacher)
    assert main(["distil", "--model", str(teacher), "--out", str(student), "--count", "1000"]) == 0
    assert "from its teacher (lightgbm)" in capsys.readouterr().out
    assert CostModel.load(student).manifest.predictor == "ridge"
    assert main(["distil", "--model", str(student), "--out", str(tmp_path / "more")]) == 2
    assert "slower than its student" in capsys.readouterr().err
