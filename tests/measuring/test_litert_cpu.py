from importlib.metadata import PackageNotFoundError

import pytest

from archcost.errors import MissingDataError
from archcost.measuring import RUNTIMES
from archcost.spaces import get_space

LITERT = ("litert", "litert_int8")


@pytest.mark.parametrize("name", LITERT)
@pytest.mark.parametrize("space", ["nasbench201", "fbnet"])
def test_networks_are_loaded_and_timed(name, space):
    pytest.importorskip("ai_edge_litert")
    space, runtime = get_space(space), RUNTIMES[name]
    assert runtime.version().split(".")[0].isdigit()
    for arch in space.sample(2, seed=0):
        infer_ms = runtime.load(space, arch, space.check_dataset(None), 1)
        assert min(infer_ms() for _ in range(3)) > 0


@pytest.mark.parametrize("name", LITERT)
def test_cell_without_a_path_is_timed(name):
    pytest.importorskip("ai_edge_litert")
    space = get_space("nasbench201")
    assert RUNTIMES[name].load(space, space.parse([3, 0, 4, 0, 0, 0]), "cifar10", 1)() > 0


@pytest.mark.parametrize("name", LITERT)
def test_device_and_precision(name):
    assert RUNTIMES[name].device == f"cpu_{name}"
    assert RUNTIMES[name].precision == ("int8" if name.endswith("int8") else "fp32")


@pytest.mark.parametrize("name", LITERT)
def test_missing_package_is_explained(name, monkeypatch):
    def missing(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr("archcost.extras.version", missing)
    with pytest.raises(MissingDataError, match=rf"{name} needs .*archcost\[litert\]"):
        RUNTIMES[name].version()
