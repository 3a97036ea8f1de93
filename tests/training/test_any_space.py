"""From a table to a transferred model in a user's space: not additive, with invalid choices."""

import shutil
from unittest.mock import patch

import numpy as np
import pytest
from my_space import MySpace

from archcost.analysis import write_report
from archcost.analysis.reporting import ReportSettings
from archcost.datasets import CostTable
from archcost.errors import ArchcostWarning, ArchitectureError
from archcost.models import CostModel
from archcost.spaces import FBNet, get_space
from archcost.spaces.spaces import SPACES
from archcost.tracking import ExperimentSettings, compare, run_experiment
from archcost.training import TrainSettings, evaluate, suggest, train, transfer
from archcost.training.metrics import spearman
from archcost.training.transfer_report import transfer_report
from archcost.training.transfer_sources import default_sources

SPACE = MySpace()
OPS = SPACE.sample(400, seed=0)
MINE = "my_space-mine-latency-photos"
INVALID = "r16-k3_w8-k3_w8-absent-k3_w8"


@pytest.fixture(autouse=True, scope="module")
def registered():
    """Know the space in this file only."""
    with patch.dict(SPACES):
        yield get_space(SPACE)


def latency_ms(ops, per_mmac=0.8, per_mb=2.0, per_layer=0.05):
    """Return costs of a made-up device, which charges for what the layers of a network do."""
    return np.array([
        sum(
            per_layer
            + per_mmac * layer.macs / 1e6
            + per_mb * (layer.input_bytes + layer.output_bytes) / 1e6
            for layer in SPACE.layers(row)
        )
        for row in ops
    ])  # fmt: skip


def table(device, n=400, **prices):
    return CostTable.from_costs(SPACE, OPS[:n], latency_ms(OPS[:n], **prices), device=device)


def measured(archs):
    ops = SPACE.parse_many(archs)
    return dict(zip(SPACE.format_many(ops), latency_ms(ops), strict=True))


def unseen():
    """Return architectures that are in no table, and their costs."""
    known = set(SPACE.format_many(OPS))
    ops = np.array([row for row in SPACE.all_ops if SPACE.format(row) not in known])
    return ops, latency_ms(ops)


def test_a_trained_model_predicts_architectures_that_it_has_not_seen(tmp_path):
    both = CostTable.concat([
        table("my_board"),
        CostTable.from_costs("fbnet", FBNet().sample(40, seed=0), np.arange(1.0, 41.0), device="b"),
    ])  # fmt: skip
    model = train(both, space=SPACE, settings=TrainSettings("xgboost"))
    assert str(model.key) == "my_space-my_board-latency-photos"
    ops, cost = unseen()
    assert spearman(cost, model.predict(ops)) > 0.97
    assert evaluate(model, table("my_board"))["spearman"].value > 0.97
    loaded = CostModel.load(model.save(tmp_path / str(model.key)))
    np.testing.assert_allclose(loaded.predict(ops), model.predict(ops))
    with pytest.raises(ArchitectureError, match="have no block after an absent one"):
        model.predict(INVALID)


def test_predictors_are_compared_and_the_best_is_kept(workplace):
    settings = ExperimentSettings(predictors=("lookup", "ridge", "xgboost"), seeds=1)
    choice = run_experiment(table("my_board"), settings=settings).choices[0]
    assert list(compare(space="my_space")["predictor"].sort_values()) == sorted(settings.predictors)
    ops, cost = unseen()
    assert spearman(cost, choice.model.predict(ops)) > 0.97


@pytest.mark.parametrize("known", [0, 2])
def test_suggested_architectures_are_valid_and_new(known):
    sources = [table(f"known_{i}", per_mmac=0.2 + i) for i in range(known)]
    done = measured(OPS[:5])
    suggestions = suggest(SPACE, 12, sources=sources, measured=done)
    assert len(set(suggestions)) == 12
    assert all(arch in SPACE for arch in suggestions)
    assert not set(suggestions) & set(done)
    assert 0 < suggestions.expected_gain < 1
    with pytest.raises(ArchitectureError, match="have no block after an absent one"):
        suggest(SPACE, 2, sources=sources, candidates=[*suggestions, INVALID])


@pytest.mark.parametrize(("known", "n", "least"), [(0, 25, 0.98), (2, 10, 0.98)])
def test_a_few_measurements_make_a_model(known, n, least, tmp_path):
    sources = [table(f"known_{i}", per_mmac=0.2 + i, per_mb=1.0 + i) for i in range(known)]
    model = transfer(SPACE, measured(suggest(SPACE, n, sources=sources)), sources=sources)
    ops, cost = unseen()
    assert spearman(cost, model.predict(ops)) > least
    assert len(model.manifest.training["sources"]) == known
    report = transfer_report(model)
    assert len(report.held_out) == len(report.nearest) == known
    assert report.flops_spearman > 0.5
    loaded = CostModel.load(model.save(tmp_path / str(model.key)))
    np.testing.assert_allclose(loaded.predict(ops), model.predict(ops))


def test_default_sources_are_the_models_of_the_same_space(workplace):
    for space, device in ((SPACE, "mine"), (FBNet(), "theirs")):
        ops = space.sample(60, seed=0)
        costs = CostTable.from_costs(space, ops, 1.0 + np.arange(60), device=device)
        model = train(costs, settings=TrainSettings("lookup"))
        model.save(workplace / "models" / str(model.key))
    assert [key.device for key in default_sources(SPACE, "photos")] == ["mine"]
    assert "mine" not in {key.device for key in default_sources(FBNet(), "cifar100")}
    shutil.copytree(workplace / "models" / MINE, workplace / "models" / MINE.replace("my", "gone"))
    with pytest.warns(ArchcostWarning, match="gone_space-mine-latency-photos is skipped"):
        assert [str(key) for key in default_sources(SPACE, "photos")] == [MINE]
    shutil.rmtree(workplace / "models" / MINE.replace("my", "gone"))
    archs = measured(suggest(SPACE, 10))
    assert transfer(SPACE, archs).manifest.training["sources"] == [MINE]
    assert transfer(SPACE, archs, device="mine").manifest.training["sources"] == []


def test_the_report_covers_it(tmp_path, workplace):
    settings = ReportSettings(predictors=("ridge",), sizes=(50,), seeds=1)
    both = CostTable.concat([table("a"), table("b", per_mmac=0.1, per_mb=9.0)])
    page = write_report(both, tmp_path / "report", settings=settings).read_text()
    assert "Search space my_space" in page
    assert "How far proxy costs track the cost" in page
    assert "neither repeated measurements nor enough equal networks" in page


class TwinOfFBNet(FBNet):
    """The slots of FBNet under another name: an array of op ids does not tell them apart."""

    name = "twin"


def test_the_space_is_never_guessed_from_the_shape():
    with patch.dict(SPACES):
        twin = get_space(TwinOfFBNet())
        ops = twin.sample(40, seed=0)
        costs = CostTable.from_costs(twin, ops, 1.0 + ops.sum(axis=1), device="b")
        archs = dict(zip(twin.format_many(ops), 1.0 + ops.sum(axis=1), strict=True))
        for model in (
            train(costs, settings=TrainSettings("ridge")),
            transfer(twin, archs, sources=[]),
        ):
            assert model.predictor.space_ is twin
        assert all(arch in twin for arch in suggest(twin, 3, sources=[], measured=archs))
