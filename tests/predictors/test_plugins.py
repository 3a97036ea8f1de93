"""Predictors from outside the package: registered, in a file, from an entry point."""

import pickle
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from warm_processes import run_warm

from archcost import plugins
from archcost.datasets import CostKey, DeviceCard
from archcost.errors import ArchcostError, MissingDataError, UnknownNameError
from archcost.models import CostModel, Manifest
from archcost.predictors import (
    PREDICTORS,
    LookupPredictor,
    RidgePredictor,
    get_predictor,
    predictor_name,
    register,
)
from archcost.spaces import get_space

NETS = get_space("fbnet")
OPS = NETS.sample(40, seed=0)
COST_MS = 1.0 + OPS.sum(axis=1)
MEDIAN = """
import numpy as np
from archcost.predictors import CostPredictor

class Median(CostPredictor):
    def _fit(self, ops, cost):
        self.median_, self.spread_ = float(np.median(cost)), float(cost.std())

    def _predict(self, ops, return_std):
        return np.full(len(ops), self.median_), np.full(len(ops), self.spread_)

    def _state(self):
        return {"median": np.array(self.median_), "spread": np.array(self.spread_)}

    def _restore(self, state):
        self.median_, self.spread_ = float(state["median"]), float(state["spread"])
"""
SPACE = Path(__file__).parent.parent / "my_space.py"


@pytest.fixture
def median(tmp_path):
    """Return the reference of a predictor in a file."""
    (tmp_path / "median.py").write_text(MEDIAN)
    return f"{tmp_path / 'median.py'}:Median"


class Mine(LookupPredictor):
    """A predictor of this file."""


@pytest.fixture
def entry_point(monkeypatch):
    entry = EntryPoint("theirs", f"{__name__}:Mine", "archcost.predictors")
    monkeypatch.setattr(EntryPoint, "load", lambda self: Mine)
    monkeypatch.setattr(plugins, "entry_points", lambda group: EntryPoints([entry]))


@pytest.fixture
def registered():
    register("mine", Mine)
    yield
    PREDICTORS.pop("mine", None)


def saved(kind, folder):
    """Save a fitted model under the name that finds its predictor."""
    predictor = kind().fit(OPS, COST_MS)
    key = CostKey("fbnet", "board", "latency", "cifar100")
    card = DeviceCard("board", "board")
    manifest = Manifest(key, card, predictor_name(predictor), predictor.get_params())
    return CostModel(predictor, manifest).save(folder / str(key))


def test_a_predictor_has_a_name_however_it_came(median, registered):
    assert get_predictor("ridge") is get_predictor(RidgePredictor) is RidgePredictor
    assert predictor_name(RidgePredictor()) == predictor_name(RidgePredictor) == "ridge"
    assert predictor_name(get_predictor(median)) == median
    assert get_predictor(predictor_name(Mine)) is Mine


def test_a_model_of_a_file_s_predictor_loads_as_long_as_the_file_is_there(median, tmp_path):
    folder = saved(get_predictor(median), tmp_path)
    assert CostModel.load(folder).predict(OPS[0]) == np.median(COST_MS)
    Path(median.partition(":")[0]).unlink()
    with pytest.raises(
        MissingDataError, match=r"needs the predictor .*median\.py.*put its file back"
    ):
        CostModel.load(folder).predict(OPS[0])


def test_a_model_of_a_registered_predictor_says_that_it_must_be(registered, tmp_path):
    folder = saved(Mine, tmp_path)
    assert CostModel.load(folder).predictor.predict(OPS).shape == (40,)
    del PREDICTORS["mine"]
    model = CostModel.load(folder)
    assert model.predict(OPS).shape == (40,)  # its compiled form needs no predictor
    with pytest.raises(MissingDataError, match=r"needs the predictor 'mine'.*predictors\.register"):
        _ = model.predictor


def test_entry_points_bring_predictors(entry_point, tmp_path):
    assert get_predictor("theirs") is Mine
    assert predictor_name(Mine) == "theirs"
    assert isinstance(CostModel.load(saved(Mine, tmp_path)).predictor, Mine)
    with pytest.raises(UnknownNameError, match=r"There are: .*ridge, theirs, "):
        get_predictor("ours")


def test_names_are_one_predictor_s_own(registered):
    register("mine", Mine)
    with pytest.raises(ArchcostError, match="'mine' is that of Mine already"):
        register("mine", RidgePredictor)
    with pytest.raises(ArchcostError, match="must be a subclass of CostPredictor"):
        register("counter", dict)


def test_a_file_s_predictor_and_space_travel_to_other_processes(median, tmp_path):
    """Fit both in two worker processes, and unpickle the winner in a third."""
    space = plugins.load_object(f"{SPACE}:MySpace")()
    ops = space.sample(40, seed=0)
    cost_ms = 1.0 + ops.sum(axis=1)
    search = GridSearchCV(get_predictor(median)(), {"seed": [0, 1]}, cv=2, n_jobs=2)
    search.fit(ops, cost_ms, space=space)
    assert search.predict(ops[:1])[0] == np.median(cost_ms)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(search.best_estimator_))
    code = (
        "import pickle, sys\n"
        "model = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(model.predict([model.space_.all_ops[0]])[0], model.space_.name)"
    )
    done = run_warm("-c", code, tmp_path / "model.pkl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(np.median(cost_ms)), "my_space"]
