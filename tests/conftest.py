"""Make tests run against the installed package and find the real tables."""

import os
import shutil
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# The checkout's own datasets/, models/ ... must not be importable as top-level packages.
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT]
# A shell's background jobs ignore Ctrl-C and hand that down to the commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def real_tables() -> Path:
    """Return the folder of the published cost tables; in CI they must be there."""
    path = Path(os.environ.get("ARCHCOST_REAL_TABLES", ROOT.parent / "shared" / "data"))
    if not (path / "help").is_dir():
        message = f"the published cost tables are missing: {path}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def empty_mlflow_store(tmp_path_factory) -> Path:
    """Return an MLflow store without runs; making one takes seconds."""
    from archcost.tracking.mlflow_store import tracking_store

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
        with tracking_store(create=True):
            pass
    return path


@pytest.fixture(autouse=True, scope="module")
def registered_spaces_stay():
    """Forget the spaces that the tests of a file registered; other files must not see them."""
    from archcost.spaces.spaces import FORMS, SPACES

    before = dict(SPACES)
    yield
    SPACES.clear()
    SPACES.update(before)
    FORMS.clear()


@pytest.fixture
def workplace(tmp_path, monkeypatch, empty_mlflow_store) -> Path:
    """Work in an empty folder with an MLflow store and a folder for the user's models."""
    return enter_workplace(tmp_path, monkeypatch, empty_mlflow_store)


@pytest.fixture(scope="module")
def shared_workplace(tmp_path_factory, empty_mlflow_store):
    """Work in one such folder throughout a file of tests."""
    with pytest.MonkeyPatch.context() as patch:
        yield enter_workplace(tmp_path_factory.mktemp("a work place"), patch, empty_mlflow_store)


def enter_workplace(folder: Path, patch: pytest.MonkeyPatch, store: Path) -> Path:
    shutil.copy(store, folder / "mlflow.db")
    patch.delenv("MLFLOW_TRACKING_URI", raising=False)
    patch.setenv("ARCHCOST_MODEL_DIR", str(folder / "models"))
    patch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def model_libraries() -> None:
    """Have timm and torchvision importable beside a torch that theirs was not built for.

    Networks are only read, so that it is enough to declare the operators of torchvision's library.
    """
    import torch

    if find_spec("timm") is None or find_spec("torchvision") is None:
        pytest.skip("timm is not installed")
    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        backward = [f"_{op}_backward" for op in TORCHVISION_OPS if not op.startswith("q")]
        for op in ["nms", *TORCHVISION_OPS, *backward]:
            library.define(f"{op}(Tensor x) -> Tensor")
        KEPT.append(library)  # it takes its operators with it when it is gone
        import torchvision  # noqa: F401


TORCHVISION_OPS = (
    "qnms", "roi_align", "qroi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d",
)  # fmt: skip
KEPT: list[object] = []
