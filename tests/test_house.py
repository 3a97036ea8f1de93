"""The rules of the house: layers point one way, imports are light, doctests hold."""

import ast
import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import archcost

LAYERS = (
    "spaces", "networks", "datasets", "measuring", "simulating", "features", "predictors", "models",
    "training", "search", "analysis", "cli",
)  # fmt: skip
# Each network is still described beside its space, and written with the space at hand.
TOGETHER = {"spaces", "networks"}
MODULES = sorted(
    module.name
    for package in ("archcost", *(f"archcost.{layer}" for layer in LAYERS))
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}.")
    if not module.name.endswith("__main__")
)


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    return names | {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}


@pytest.mark.parametrize("name", MODULES)
def test_layers_point_one_way(name):
    parts = name.split(".")
    above = set(LAYERS[LAYERS.index(parts[1]) + 1 :]) if parts[1] in LAYERS else set()
    above -= TOGETHER if parts[1] in TOGETHER else set()
    path = Path(importlib.util.find_spec(name).origin)
    for module in imported(path):
        assert module is not None, f"{name} has a relative import"
        assert not f"{module}.".startswith(tuple(f"archcost.{layer}." for layer in above))


ASK_WHAT_SPACES_CAN_DO = ("features", "predictors", "models")
OF_A_SPACE = re.compile("nasbench201|fbnet", re.IGNORECASE)


@pytest.mark.parametrize("name", [n for n in MODULES if n.split(".")[1] in ASK_WHAT_SPACES_CAN_DO])
def test_no_space_is_asked_for_by_name(name):
    tree = ast.parse(Path(importlib.util.find_spec(name).origin).read_text())
    with_docstrings = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, with_docstrings) and ast.get_docstring(node) is not None
    }
    comments = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings | comments:
            assert not OF_A_SPACE.search(str(node.value)), node.value
        for field in ("id", "attr", "module", "name"):
            assert not OF_A_SPACE.search(str(getattr(node, field, "")))


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def loaded_after(code: str) -> set[str]:
    probe = f"import sys\n{code}\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def test_import_is_light():
    heavy = {"torch", "mlflow", "sklearn", "pandas", "xgboost", "lightgbm", "scipy", "matplotlib"}
    assert not heavy & loaded_after("import archcost")
    cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"
    assert not heavy & loaded_after(f"import archcost\narchcost.predict({cell!r}, 'raspi4')")
    net = "-".join(["k3_e1"] * 22)
    assert not heavy & loaded_after(f"import archcost\narchcost.predict({net!r}, 'raspi4')")


def test_every_folder_says_what_it_exports():
    for package in (archcost, *(importlib.import_module(f"archcost.{layer}") for layer in LAYERS)):
        assert sorted(package.__all__) == sorted(set(package.__all__))
        for name in package.__all__:
            assert getattr(package, name) is not None
