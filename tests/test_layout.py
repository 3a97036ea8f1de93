"""What holds in every file: doctests, light imports, exports, no space asked for by name."""

import ast
import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import archcost

FOLDERS = sorted(f"archcost.{m.name}" for m in pkgutil.iter_modules(archcost.__path__) if m.ispkg)
MODULES = sorted(
    module.name
    for package in ("archcost", *FOLDERS)
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}.")
    if not module.name.endswith("__main__")
)

SPACES = {
    "nasbench201": "NASBench201",
    "fbnet": "FBNet",
    "autoformer_tiny": "AutoFormerTiny",
    "natsbench_size": "NATSBenchSize",
    "ofa_mbv3": "OFAMobileNetV3",
}
"""Names and classes of the search spaces that ship."""

OF_ONE_SPACE = (
    "archcost.spaces.nasbench201",
    "archcost.spaces.fbnet",
    "archcost.spaces.cell_graph",
)
"""What the modules' names begin with that describe one search space."""

PUBLISHED = {
    "archcost.datasets",
    "archcost.datasets.fbnet_blocks",
    "archcost.datasets.hw_nas_bench",
    "archcost.datasets.hw_nas_bench_config",
    "archcost.datasets.source_help",
    "archcost.datasets.source_hwnasbench",
    "archcost.datasets.source_oneproxy",
}
"""Published tables are of one space each; the folder also exports the spaces, as documented."""


AFTER_AN_EXPERIMENT = ("archcost.tracking.comparing", "archcost.tracking.registry")
"""Their examples go on from the one of `run_experiment`."""
LOGGING = (*AFTER_AN_EXPERIMENT, "archcost.tracking.experiments", "archcost.analysis.reporting")
"""Their examples write to an MLflow store in the working directory."""


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name, request):
    module = importlib.import_module(name)
    if name in LOGGING:
        request.getfixturevalue("shared_workplace")
    if name in AFTER_AN_EXPERIMENT:
        experiments = importlib.import_module("archcost.tracking.experiments")
        doctest.run_docstring_examples(experiments.run_experiment, vars(experiments))
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


def spaces_named_in(path: Path) -> list[str]:
    """Return where a file names a space: in imports, as an identifier, as a whole string."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Name):
            names = [node.id]
        elif isinstance(node, ast.Attribute):
            names = [node.attr]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = [node.value]
        else:
            continue
        found += [
            f"{path.name}:{node.lineno}: {name}"
            for name in names
            if name.startswith(OF_ONE_SPACE)
            or name.rpartition(".")[2] in {*SPACES, *SPACES.values()}
        ]
    return found


@pytest.mark.parametrize(
    "name",
    [n for n in MODULES if not n.startswith("archcost.spaces") and n not in PUBLISHED],
)
def test_no_space_is_asked_for_by_name(name):
    assert spaces_named_in(Path(importlib.util.find_spec(name).origin)) == []


def test_naming_a_space_is_noticed(tmp_path):
    file = tmp_path / "module.py"
    file.write_text(
        "from archcost.spaces import FBNet\n"
        "import archcost.spaces.cell_graph\n"
        "if space.name == 'fbnet' or isinstance(space, spaces.NASBench201):\n"
        "    'what fbnet is may be said'\n"
    )
    lines = [found.split(":")[1] for found in spaces_named_in(file)]
    assert sorted(lines) == ["1", "2", "3", "3"]


def loaded_after(code: str) -> set[str]:
    probe = f"import sys\n{code}\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


HEAVY = {
    "torch", "mlflow", "sklearn", "pandas", "xgboost", "lightgbm", "scipy", "matplotlib",
    "filelock", "sqlalchemy",
}  # fmt: skip


def test_import_is_light():
    assert not HEAVY & loaded_after("import archcost")
    cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"
    assert not HEAVY & loaded_after(f"import archcost\narchcost.predict({cell!r}, 'raspi4')")
    net = "-".join(["k3_e1"] * 22)
    assert not HEAVY & loaded_after(f"import archcost\narchcost.predict({net!r}, 'raspi4')")


def test_predicting_a_model_file_loads_what_reads_it_and_numpy(tmp_path):
    import onnx

    from archcost.networks.onnx_graphs import onnx_model
    from archcost.zoo import zoo_network

    path = tmp_path / "net.onnx"
    onnx.save(onnx_model(zoo_network("resnet18@32")), path)
    code = "from archcost.cli.main import main\nmain(['predict', {!r}, '--device', 'cpu_litert'])"
    loaded = loaded_after(code.format(str(path)))
    assert "onnx" in loaded
    assert not (HEAVY | {"archcost.predictors", "pyarrow"}) & loaded
    assert not (HEAVY | {"onnx"}) & loaded_after(code.format("resnet18@32"))


def test_folders_are_known_without_being_loaded():
    loaded = loaded_after("import archcost\nassert not hasattr(archcost, 'no_such_folder')")
    assert not {"archcost.training", "archcost.predictors"} & loaded
    found = loaded_after(
        "import archcost\narchcost.kernels.KernelSums, archcost.features.OneHotOps"
    )
    assert "archcost.features" in found
    private = {"archcost.cli"}  # a command line is no library
    assert {f"archcost.{name}" for name in archcost.FOLDERS} == set(FOLDERS) - private


def test_every_folder_says_what_it_exports():
    for package in (archcost, *map(importlib.import_module, FOLDERS)):
        assert sorted(package.__all__) == sorted(set(package.__all__))
        for name in package.__all__:
            assert getattr(package, name) is not None


def test_documented_names_stay_where_they_were():
    from archcost import analysis, search, training

    assert training.theory_correlations is analysis.proxy_correlations
    assert training.search is search.search
    for name in training._MOVED:
        assert getattr(training, name) is not None
