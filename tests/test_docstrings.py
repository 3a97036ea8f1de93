"""Every function of the reference says what it takes, gives and raises, with an example."""

import ast
import importlib
import inspect
import pkgutil
import textwrap

import archcost

PACKAGES = [
    "archcost",
    *(
        f"archcost.{found.name}"
        for found in pkgutil.iter_modules(archcost.__path__)
        if found.ispkg and found.name != "cli"
    ),
]

LEAST_CHECKED = 90
"""Functions that were found when this was written: a search that finds few finds nothing."""


def public_functions():
    """Yield name, function and number of arguments of what the packages export, and its methods."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        for exported in (getattr(module, name) for name in module.__all__):
            if inspect.isfunction(exported):
                yield f"{exported.__module__}.{exported.__qualname__}", exported, 0
            elif inspect.isclass(exported) and exported.__module__.startswith("archcost"):
                for name, held in vars(exported).items():
                    function = getattr(held, "__func__", held)
                    documented_above = any(name in vars(base) for base in exported.__mro__[1:])
                    if inspect.isfunction(function) and name[0] != "_" and not documented_above:
                        has_self = not isinstance(held, staticmethod)
                        yield (
                            f"{exported.__module__}.{exported.__qualname__}.{name}",
                            function,
                            (has_self),
                        )


def lacking(function):
    """Return the sections that a docstring lacks."""
    said = inspect.getdoc(function) or ""
    code = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    wanted = {"Parameters": ["Parameters"], "Examples": ["Examples"]}
    if not (isinstance(code.returns, ast.Constant) and code.returns.value is None):
        wanted["Returns"] = ["Returns", "Yields"]
    if any(isinstance(node, ast.Raise) and node.exc is not None for node in ast.walk(code)):
        wanted["Raises"] = ["Raises"]
    return {
        name
        for name, titles in wanted.items()
        if not any(f"{title}\n{'-' * len(title)}\n" in said for title in titles)
    }


def test_functions_with_several_arguments_are_documented():
    found = {name: (function, own) for name, function, own in public_functions()}
    several = {
        name: function
        for name, (function, own) in found.items()
        if len(inspect.signature(function).parameters) - own >= 2
    }
    assert len(several) >= LEAST_CHECKED
    assert {name: lacks for name, function in several.items() if (lacks := lacking(function))} == {}


def test_a_docstring_that_lacks_sections_is_noticed():
    def function(a: int, b: int) -> int:
        """Add."""
        if a < 0:
            raise ValueError("a must not be negative")
        return a + b

    assert lacking(function) == {"Parameters", "Returns", "Raises", "Examples"}
