"""Priors of new devices that ship: a stale one is learned anew by every process."""

import pytest

from archcost.models.store import PRETRAINED
from archcost.spaces import SPACES
from archcost.training import shipped_prior as module
from archcost.training.shipped_prior import shipped_prior
from archcost.training.transfer_sources import default_sources


@pytest.mark.parametrize("space", [space for space in SPACES.values() if not space.is_open])
def test_the_prior_that_ships_is_that_of_the_models_that_ship(space, monkeypatch, tmp_path):
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path))
    keys = default_sources(space, space.default_dataset)
    assert keys
    assert all((PRETRAINED / str(key)).is_dir() for key in keys)
    found = shipped_prior(space, space.default_dataset, keys)
    assert found is not None, "run benchmarks/transfer_priors.py"
    assert found.names == tuple(map(str, keys))
    monkeypatch.setattr(module, "models_sha256", lambda keys: "of other models")
    assert shipped_prior(space, space.default_dataset, keys) is None
