"""Manifests that lie: another key, unit or space, no files, costs that cannot be."""

import hashlib
import json
import shutil
from types import MappingProxyType

import numpy as np
import pytest

from archcost.datasets import CostKey, DeviceCard
from archcost.errors import ArchcostError, IntegrityError, MissingDataError
from archcost.models import CostModel, Manifest
from archcost.models.manifest import file_hash
from archcost.models.store import PRETRAINED
from archcost.predictors import PREDICTORS
from archcost.spaces import SPACES, SearchSpace, get_space

KEY = CostKey("nasbench201", "my_board", "latency", "cifar10")


def saved(folder, space="nasbench201", predictor="lookup"):
    """Save a small model and return its folder, which bears the name of its key."""
    space = get_space(space)
    ops = space.sample(30, seed=0)
    estimator = PREDICTORS[predictor]().fit(ops, 1.0 + (ops == ops[0]).sum(axis=1))
    key = CostKey(space.name, "my_board", "latency", space.default_dataset)
    manifest = Manifest(key, DeviceCard("my_board", "my board"), predictor, estimator.get_params())
    return CostModel(estimator, manifest).save(folder / str(key))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("models"))


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / original.name)


def rewrite(folder, **changes):
    """Change fields of a manifest and make its own hash fit again; None takes a field out."""
    path = folder / "manifest.json"
    content = {**json.loads(path.read_text()), **changes}
    content = {name: value for name, value in content.items() if value is not None}
    del content["sha256"]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    content["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(content))


def rewrite_arrays(folder, **changes):
    with np.load(folder / "compiled.npz") as arrays:
        content = {**arrays, **changes}
    np.savez(folder / "compiled.npz", **content)
    names = ("compiled.npz", "weights.npz")
    rewrite(folder, files={name: file_hash(folder / name) for name in names})


def test_a_folder_under_another_models_name_is_refused(folder, tmp_path):
    other = folder.rename(tmp_path / "nasbench201-raspi4-latency-cifar10")
    with pytest.raises(IntegrityError, match=r"name of its key.*raspi4.*my_board"):
        CostModel.load(other)
    free = other.rename(tmp_path / "the-best-model-yet")
    model = CostModel.load(free)
    assert model.key == KEY
    with pytest.raises(IntegrityError, match=f"name it {KEY}"):
        model.save(other)
    assert not other.exists()


def test_a_pretrained_model_under_another_name_does_not_answer_for_it(tmp_path, monkeypatch):
    import archcost

    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path))
    name = "nasbench201-{}-latency-cifar10".format
    shutil.copytree(PRETRAINED / name("eyeriss"), tmp_path / name("raspi4"))
    with pytest.raises(IntegrityError, match="eyeriss"):
        archcost.load("raspi4")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unit": "mJ"}, "unit of latency must be ms, but is 'mJ'"),
        ({"unit": None}, "unit"),
        ({"fingerprint": "0" * 16}, "positions and ops of nasbench201 must be those"),
        ({"key": "nasbench201-other-latency-cifar10"}, "name of its key"),
        ({"device": {"id": "other", "name": "other"}}, "card must be that of .*, but is of other"),
        ({"device": {"id": "my_board"}}, "name"),
        ({"device": []}, "does not fit"),
        ({"files": {}}, "files must name the model's files, but is empty"),
        ({"files": ["weights.npz"]}, "files must be a mapping"),
        ({"files": {"../weights.npz": "0" * 64}}, "files must map names to hashes"),
        ({"files": {"weights.npz": "0"}}, "files must map names to hashes"),
        ({"contents": "../other"}, "contents must be"),
        ({"compiled": "oracle"}, "compiled form must be one of"),
        ({"compiled": ["cells"]}, "must be names"),
        ({"params": "seed"}, "params must be a mapping"),
        ({"speed": "high"}, "speed"),
        ({"format": "2"}, "damaged"),
        ({"format": 0.5}, "damaged"),
    ],
)
def test_fields_that_do_not_fit_are_refused(folder, changes, message):
    rewrite(folder, **changes)
    with pytest.raises(IntegrityError, match=message):
        CostModel.load(folder)


def test_a_compiled_form_that_files_do_not_name_is_refused(folder):
    rewrite(folder, files={"weights.npz": file_hash(folder / "weights.npz")})
    with pytest.raises(IntegrityError, match="compiled file must be one of"):
        CostModel.load(folder)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0, -1.0])
def test_costs_that_cannot_be_are_refused(folder, wrong):
    with np.load(folder / "compiled.npz") as arrays:
        means = arrays["means"].copy()
    means[7] = wrong
    rewrite_arrays(folder, means=means)
    with pytest.raises(IntegrityError, match=r"must be (finite|positive costs)"):
        CostModel.load(folder)


@pytest.mark.parametrize("means", [np.ones(5), np.ones((15625, 2)), np.array(["a"] * 15625)])
def test_tables_of_another_shape_are_refused(folder, means):
    rewrite_arrays(folder, means=means)
    with pytest.raises(IntegrityError, match="compiled"):
        CostModel.load(folder)


def test_sums_that_are_no_costs_are_refused(tmp_path):
    folder = saved(tmp_path, "fbnet")
    with np.load(folder / "compiled.npz") as arrays:
        table = arrays["table"]
    for wrong in (table * np.nan, table[:5], table[:, :2]):
        rewrite_arrays(folder, table=wrong)
        with pytest.raises(IntegrityError):
            CostModel.load(folder)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"predictor": "oracle"},
            MissingDataError,
            r"needs the predictor 'oracle', which is not at hand.*install its package",
        ),
        ({"predictor": "gp"}, IntegrityError, "does not fit this archcost"),
        ({"params": {"depth": 3}}, IntegrityError, "does not fit this archcost"),
    ],
)
def test_a_predictor_that_does_not_fit_is_refused_once_it_is_needed(
    folder, changes, error, message
):
    rewrite(folder, **changes)
    model = CostModel.load(folder)
    with pytest.raises(error, match=message):
        model.predictor  # noqa: B018


def test_weights_that_changed_after_loading_are_refused(folder):
    model = CostModel.load(folder)
    (folder / "weights.npz").write_bytes((folder / "compiled.npz").read_bytes())
    with pytest.raises(IntegrityError, match=r"weights\.npz was changed"):
        model.predictor  # noqa: B018


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"format": 2}', "[" * 100_000, '{"format": []}', "\xff"]
)
def test_what_is_no_manifest_is_refused(folder, text):
    (folder / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(IntegrityError, match=r"manifest\.json is damaged"):
        CostModel.load(folder)


def test_models_saved_before_fingerprints_are_those_of_the_spaces_that_ship(folder, monkeypatch):
    rewrite(folder, format=1, fingerprint=None)
    assert CostModel.load(folder).key == KEY
    monkeypatch.setattr("archcost.models.manifest.SHIPPED", frozenset())
    with pytest.raises(IntegrityError, match="its fingerprint is None"):
        CostModel.load(folder)


class Two(SearchSpace):
    """Two positions of two ops."""

    name = "two_small"
    slots = MappingProxyType({"first": ("a", "b"), "second": ("a", "b")})
    datasets = get_space("nasbench201").datasets

    def describe(self, ops, dataset, builder):
        raise NotImplementedError


class Swapped(Two):
    slots = MappingProxyType({"first": ("b", "a"), "second": ("b", "a")})


def test_a_model_of_a_space_that_changed_or_is_not_at_hand_is_refused(folder, monkeypatch):
    monkeypatch.setitem(SPACES, "two_small", Two())
    key = "two_small-my_board-latency-cifar10"
    rewrite(folder, key=key, fingerprint=Two().fingerprint)
    folder = folder.rename(folder.with_name(key))
    assert str(Manifest.read(folder).key) == key
    monkeypatch.setitem(SPACES, "two_small", Swapped())
    with pytest.raises(IntegrityError, match="must be those that the model learned"):
        Manifest.read(folder)
    monkeypatch.delitem(SPACES, "two_small")
    with pytest.raises(MissingDataError, match=r"two_small, which is not at hand.*register it"):
        Manifest.read(folder)


def test_the_models_that_ship_are_sound():
    for folder in sorted(PRETRAINED.glob("*-*")):
        try:
            assert str(CostModel.load(folder).key) == folder.name
        except ArchcostError as error:
            pytest.fail(f"{folder.name}: {error}")


def test_weights_that_the_networks_do_not_take_are_refused(tmp_path, monkeypatch):
    from safetensors.numpy import save_file

    name = "nasbench201-cpu_openvino-latency-cifar10"
    copy = shutil.copytree(PRETRAINED / name, tmp_path / name)
    save_file({"a": np.zeros(1)}, copy / "networks.safetensors")
    files = json.loads((copy / "manifest.json").read_text())["files"]
    rewrite(copy, files={file: file_hash(copy / file) for file in files})
    model = CostModel.load(copy)  # the compiled form is whole
    with pytest.raises(IntegrityError, match="does not fit this archcost"):
        _ = model.predictor


def test_the_dataset_of_the_predictor_is_that_of_the_key(folder):
    rewrite(folder, params={"dataset": "cifar100"})
    with pytest.raises(IntegrityError, match="dataset must be cifar10"):
        Manifest.read(folder)


def test_a_compiled_form_that_the_manifest_keeps_quiet_about_is_refused(folder):
    rewrite(folder, compiled=None)
    content = json.loads((folder / "manifest.json").read_text())
    assert "compiled" not in content
    with pytest.raises(IntegrityError, match=r"of which kind its compiled\.npz is"):
        CostModel.load(folder)


@pytest.mark.parametrize("text", ['{"format": true}', '{"a": "' + "9" * 2**24 + '"}'])
def test_formats_that_are_none_and_huge_manifests_are_refused(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(IntegrityError, match="is damaged"):
        Manifest.read(folder)
