"""Telling a space by form and length: as fast as a lookup, and never one of two."""

from collections.abc import Sequence

import numpy as np
import pytest

import archcost
from archcost import prediction
from archcost.errors import ArchcostError, ArchitectureError
from archcost.models import CostModel
from archcost.models.manifest import Manifest
from archcost.networks import GraphBuilder, Value
from archcost.spaces import SPACES, Dataset, NASBench201, SearchSpace, infer_space, register
from archcost.spaces.space_forms import evident_space, forget

CELLS = NASBench201()
CELL = CELLS.format(0)
NETWORK = "-".join(["k3_e1"] * 22)


class Short(SearchSpace):
    """Six positions, as a cell has, written as FBNet writes: told from neither by length."""

    name = "short"
    slots = {f"block{place}": ("none", "k3_e1", "k5_e1") for place in range(6)}  # noqa: RUF012
    datasets = (Dataset("photos", (3, 32, 32), 10),)

    def describe(self, ops: Sequence[int], dataset: Dataset, builder: GraphBuilder) -> Value:
        """Return the input as it is: costs need no layers."""
        return builder.input(dataset.input_shape)


class Opaque(Short):
    """Strings that may be anything."""

    name = "opaque"

    def split(self, text: str) -> Sequence[str]:
        """Split at any of the usual signs."""
        return text.replace("|", "-").split("-")


class Piped(Opaque):
    """Strings that begin as a cell's."""

    name = "piped"
    starts_with = ("|",)


class Indexed(Short):
    """A published order."""

    name = "indexed"
    has_index = True


@pytest.fixture
def spaces(monkeypatch):
    """Register spaces, and forget them afterwards."""
    known = dict(SPACES)
    yield register
    SPACES.clear()
    SPACES.update(known)
    forget()


def test_what_ships_is_told():
    for arch in (CELL, CELL[:-1], [0] * 6, (0,) * 6, np.zeros(6, int), np.zeros((3, 6), int)):
        assert evident_space(arch) == "nasbench201"
    for arch in (NETWORK, [0] * 22, np.zeros((1, 22), np.int8)):
        assert evident_space(arch) == "fbnet"
    for name in ("natsbench_size", "ofa_mbv3", "autoformer_tiny"):
        space = SPACES[name]
        ops = space.sample(3, seed=0)
        for arch in (*space.format_many(ops), ops[0], ops, ops[1].tolist(), tuple(ops[2].tolist())):
            assert evident_space(arch) == name
    for arch in (
        7,  # a cell, or a size
        [9] * 22,
        np.zeros((0, 22), int),
        "resnet50",
        "densenet121",
        "64",
        "",
        f" {CELL}",
        "k3_e1",
        [0] * 7,
        [],
        [CELL],
        {},
        None,
        1.5,
        [[0] * 6],
    ):
        assert evident_space(arch) is None


def test_a_length_of_two_spaces_tells_nothing(spaces):
    spaces(Short)
    assert evident_space([0] * 6) is evident_space(np.zeros((2, 6), int)) is None
    assert evident_space([0] * 22) == "fbnet"
    assert evident_space(CELL) == "nasbench201"
    assert evident_space(NETWORK) == "fbnet"
    assert evident_space("-".join(["k3_e1"] * 6)) == "short"
    assert evident_space("-".join(["none"] * 6)) == "short"
    with pytest.raises(ArchitectureError, match="is one of nasbench201 and of short; say which"):
        infer_space([0] * 6)
    SPACES.pop("short")
    spaces(Indexed)
    assert evident_space("-".join(["none"] * 6)) == "indexed"  # not the one that went
    assert evident_space(7) is None


def test_strings_that_may_be_anything_tell_nothing(spaces):
    spaces(Opaque)
    assert evident_space(CELL) is evident_space(NETWORK) is None
    assert infer_space(CELL) == CELLS
    SPACES.pop("opaque")
    spaces(Piped)
    assert evident_space(CELL) is None
    assert evident_space(NETWORK) == "fbnet"


@pytest.fixture
def models(tmp_path, monkeypatch, spaces):
    """Make models of `board`, each of another space, from their manifests and tables."""
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path))
    monkeypatch.setattr(prediction, "_models", {})

    def made(space, device="board"):
        from archcost.datasets import CostTable
        from archcost.training import TrainSettings, train

        archs = space.sample(40, seed=0)
        cost = 1.0 + len(space.name) + archs.sum(axis=1)
        table = CostTable.from_costs(space, archs, cost, device=device)
        known = dict(SPACES)
        SPACES.clear()  # a predictor that is fitted infers the space
        SPACES[space.name] = space
        model = train(table, settings=TrainSettings(predictor="lookup"))
        SPACES.clear()
        SPACES.update(known)
        model.save(tmp_path / str(model.key))
        prediction._models.clear()
        return model

    return made


def test_of_two_spaces_that_with_a_model_of_the_device_is_meant(spaces, models):
    short = spaces(Short)
    arch = [0, 1, 2, 0, 1, 2]
    expected = archcost.predict(arch, "raspi4", space="nasbench201")
    assert archcost.predict(arch, "raspi4") == expected  # of short there is no such model
    mine = models(short)
    assert archcost.predict(arch, "board") == mine.predict(arch)
    assert archcost.predict([arch], "board").tolist() == [mine.predict(arch)]
    assert archcost.predict_many(arch, ["board"])[0] == mine.predict(arch)
    assert archcost.load("board").space == short
    cell = models(CELLS)
    with pytest.raises(ArchitectureError, match="one of nasbench201 and of short; say which"):
        archcost.predict(arch, "board")
    assert archcost.predict(arch, "board", space="short") == mine.predict(arch)
    assert archcost.predict(arch, "board", space=CELLS) == cell.predict(arch)
    assert archcost.predict(arch, "board", model=mine) == mine.predict(arch)
    assert archcost.load("board").space == CELLS  # the first of SPACES
    with pytest.raises(ArchitectureError, match="no search space accepts"):
        archcost.predict([0] * 7, "board")


def test_of_two_indices_that_with_a_model_of_the_device_is_meant(spaces, models):
    indexed = spaces(Indexed)
    assert archcost.predict(7, "raspi4") == archcost.predict(7, "raspi4", space="nasbench201")
    mine = models(indexed)
    assert archcost.predict(7, "board") == mine.predict(7)
    models(CELLS)
    with pytest.raises(ArchitectureError, match=r"7 is one of nasbench201 .*of indexed; say"):
        archcost.predict(7, "board")


def test_a_model_of_another_architecture_is_refused(spaces):
    assert issubclass(ArchitectureError, ArchcostError)
    assert isinstance(archcost.load("raspi4"), CostModel)
    assert isinstance(archcost.load("raspi4", space="fbnet").manifest, Manifest)
    assert archcost.load("raspi4", dataset="cifar100").key.space == "fbnet"
