"""Registered models: aliases, versions and loading without running code."""

import mlflow
import numpy as np
import pytest

import archcost
from archcost.datasets import CostTable
from archcost.errors import IntegrityError, MissingDataError
from archcost.spaces import NASBench201
from archcost.tracking import ExperimentSettings, load_registered, register, run_experiment
from archcost.tracking.mlflow_store import tracking_store

CELLS = NASBench201().sample(60, seed=0)
KEY = "nasbench201-my_board-latency-cifar10"
SETTINGS = ExperimentSettings(predictors=("lookup",), seeds=1)


def trained(scale=1.0):
    cost = scale * (1.5 + 2.0 * (CELLS == 3).sum(axis=1))
    table = CostTable.from_costs("nasbench201", CELLS, cost, device="my_board")
    return run_experiment(table, settings=SETTINGS).choices[0]


@pytest.fixture
def choice(workplace):
    return trained()


def test_the_latest_choice_is_registered_under_its_key(choice):
    assert register(KEY) == f"models:/{KEY}@champion"
    model = load_registered(f"models:/{KEY}@champion")
    assert np.array_equal(model.predict(CELLS), choice.model.predict(CELLS))


def test_the_registered_model_and_its_version_say_what_they_are(choice):
    register(KEY)
    with tracking_store():
        client = mlflow.MlflowClient()
        model, version = client.get_registered_model(KEY), client.get_model_version(KEY, "1")
    assert model.description.startswith("Predicts the latency in ms of nasbench201 architectures")
    assert "- device: my_board (measured)" in model.description
    rho = choice.model.manifest.scores["spearman"]
    assert f"| Spearman's rank correlation | {rho:.4g} |" in version.description
    assert version.tags["archcost.device"] == "my_board"


def test_the_alias_moves_and_versions_stay(choice):
    register(KEY)
    doubled = trained(scale=2)
    register(KEY)
    champion = load_registered(f"models:/{KEY}@champion")
    assert champion.predict(CELLS[0]) == pytest.approx(doubled.model.predict(CELLS[0]))
    first = load_registered(f"models:/{KEY}/1")
    assert first.predict(CELLS[0]) == pytest.approx(choice.model.predict(CELLS[0]))


def test_a_given_logged_model_and_another_alias(choice):
    trained(scale=2)
    uri = register(KEY, uri=choice.uri, alias="challenger")
    assert uri == f"models:/{KEY}@challenger"
    assert load_registered(uri).predict(CELLS[0]) == choice.model.predict(CELLS[0])


def test_predict_takes_the_uri(choice):
    uri = register(KEY)
    assert archcost.predict(CELLS[0], "my_board", model=uri) == choice.model.predict(CELLS[0])
    assert archcost.load(choice.uri).key == choice.model.key


def test_a_model_of_another_key_is_refused(choice):
    with pytest.raises(MissingDataError, match=f"must be a model of .*other.*one of {KEY}"):
        register("nasbench201-other-latency-cifar10", uri=choice.uri)


def test_what_is_not_there_is_said_with_a_remedy(choice):
    with pytest.raises(MissingDataError, match=r"no model of .*raspi4.*archcost train"):
        register("nasbench201-raspi4-latency-cifar10")
    with pytest.raises(MissingDataError, match=r"no model models:/.*@nobody.*archcost register"):
        load_registered(f"models:/{KEY}@nobody")


def test_a_changed_file_is_refused(choice, workplace):
    weights = next(workplace.glob("mlartifacts/**/data/cost_model/weights.npz"))
    for path in workplace.glob("mlartifacts/**/data/cost_model/weights.npz"):
        path.write_bytes(weights.read_bytes() + b"x")
    with pytest.raises(IntegrityError, match="was changed after it was saved"):
        load_registered(choice.uri)
