"""What the check of a search space finds in good and in broken ones."""

from dataclasses import replace

import numpy as np
import pytest
from my_space import MySpace

from archcost.spaces import SPACES, Dataset, SearchSpace
from archcost.spaces.space_check import check_space


class Good(SearchSpace):
    """Two convolutions side by side; the broken ones below change one thing each."""

    name = "good"
    slots = {"left": ("k1", "k3"), "right": ("k1", "k3", "none")}  # noqa: RUF012
    datasets = (Dataset("photos", (3, 8, 8), 10),)

    def describe(self, ops, dataset, builder):
        image = builder.input(dataset.input_shape)
        left, right = (self.op_names[op] for op in ops)
        with builder.at("left"):
            x = builder.conv(image, 4, int(left[1:]), name="left")
        if right != "none":
            with builder.at("right"):
                x = builder.add(x, builder.conv(image, 4, int(right[1:]), name="right"))
        with builder.at(part="head", stage=1):
            x = builder.flatten(builder.global_pool(x))
            return builder.linear(x, dataset.n_classes, name="head")


def problems(kind):
    return {check.name: check.detail for check in check_space(kind()) if check.status == "problem"}


def broken(**attributes):
    return type("Broken", (Good,), attributes)


@pytest.mark.parametrize("kind", [Good, MySpace, *map(type, SPACES.values())])
def test_good_space_has_no_problem(kind):
    assert problems(kind) == {}


def test_facts_are_told():
    found = {check.name: check.detail for check in check_space(MySpace())}
    assert found["slots"] == "5 positions, 8 ops, 1,200 combinations"
    assert found["validity"] == "1,008 of 1,200 combinations are valid"
    assert found["work"].endswith("not additive: ops depend on each other")
    found = {check.name: check.detail for check in check_space(Good())}
    assert found["neighbours"] == "3 to 3 valid ones an architecture"
    # 4 * 3 weights a pixel tap, 8 x 8 pixels, 2 FLOPs a MAC, and the head of 4 x 10.
    least, most = (2 * (64 * 12 * taps + 40) / 1e6 for taps in (1, 18))
    assert found["work"] == (f"{least:.3g} to {most:.3g} MFLOPs, 62 to 266 parameters; additive")


def test_without_torch_the_modules_are_skipped(monkeypatch):
    monkeypatch.setattr("archcost.spaces.architecture_checks.find_spec", lambda name: None)
    (modules,) = [check for check in check_space(Good()) if check.name == "torch modules"]
    assert (modules.status, modules.detail[:22]) == ("skipped", "torch is not installed")


EDGES = {
    "one an op": (((0, 1),), "must have one pair a position, 2, but has 1"),
    "backwards": (((0, 1), (2, 1)), r"to a later one, but one is \(2, 1\)"),
    "unsorted": (((0, 2), (0, 1)), r"sorted by target, but their targets are \[2, 1\]"),
    "a gap": (((0, 1), (0, 3)), r"each node from 1 to 3 must be entered"),
    "a dead end": (((0, 1), (0, 2)), r"each node from 0 to 1 must be left"),
}


@pytest.mark.parametrize("edges", EDGES)
def test_edges(edges):
    value, message = EDGES[edges]
    (found,) = problems(broken(edges=value)).items()
    assert found[0] == "edges"
    assert_matches(found[1], message)


def assert_matches(text, pattern):
    with pytest.raises(ValueError, match=pattern):
        raise ValueError(text)


def first_only(text):
    return text.split("-")[:1]


BROKEN = {
    "a name that is none": ("name", {"name": "My space"}, "name must be made of a-z, 0-9 and _"),
    "no positions": ("slots", {"slots": {}}, "at least one position"),
    "a text for a list": ("slots", {"slots": {"left": "k1"}}, r"slots\['left'\] must be a list"),
    "an op twice": ("slots", {"slots": {"left": ("k1", "k1")}}, "must name each op once"),
    "no dataset": ("datasets", {"datasets": ()}, "at least one Dataset"),
    "datasets of one id": (
        "datasets",
        {"datasets": (Dataset("a-b", (3, 8, 8), 2), Dataset("A_b", (3, 8, 8), 2))},
        "names that differ by more than case",
    ),
    "a rule that returns a bool": (
        "validity", {"violation": lambda self, ops: False}, "as a text, but returned False",
    ),
    "nothing valid": ("validity", {"violation": lambda self, ops: "be otherwise"}, "at least one"),
    "validity of its own": (
        "validity", {"valid": lambda self, ops: ops[:, 0] == 0}, "but they disagree on",
    ),
    "a split that loses": (
        "strings", {"split": lambda self, text: first_only(text)}, "split must undo join",
    ),
    "one string for all": (
        "strings", {"join": lambda self, names: "x"}, "split must undo join, but made",
    ),
    "a string that is a number": (
        "strings", {"join": lambda self, names: "12"}, "and more than a number, which would",
    ),
    "an index for two": ("indices", {"index": lambda self, arch: 0}, "from_index must undo index"),
    "a canonical form of its own": (
        "canonical form", {"canonical": lambda self, ops: (ops + 1) % 2}, "must be itself",
    ),
    "an invalid canonical form": (
        "canonical form", {"canonical": lambda self, ops: ops * 0 + 2}, "must be valid, but",
    ),
    "no layers": ("networks", {"layers": lambda self, arch, dataset=None: ()}, "must have layers"),
    "an error in the network": (
        "torch modules", {"network": lambda self, arch, dataset=None: 1 / 0}, "ZeroDivisionError",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_broken_space(what):
    check, attributes, message = BROKEN[what]
    assert_matches(problems(broken(**attributes))[check], message)


def test_layers_of_no_position():
    class Astray(Good):
        def layers(self, arch, dataset=None):
            first, *others = super().layers(arch, dataset)
            return (replace(first, position=2), first, *others)

    assert_matches(problems(Astray)["networks"], "position must be None or one of 0 to 1, but")


def test_module_that_is_not_what_the_layers_say():
    torch = pytest.importorskip("torch")

    class Larger(Good):
        def network(self, arch, dataset=None):
            network = super().network(arch, dataset)
            network.more = torch.nn.Linear(2, 2)
            return network

    assert_matches(problems(Larger)["torch modules"], r"parameters as its layers, \d+, but has")

    class OtherClasses(Good):
        def network(self, arch, dataset=None):
            return torch.nn.Sequential(super().network(arch, dataset), torch.nn.Linear(10, 11))

    assert_matches(problems(OtherClasses)["torch modules"], r"of shape \(1, 10\), but returned")


def test_rules_that_hardly_anything_fulfils():
    class Narrow(Good):
        slots = {f"p{i}": tuple(f"k{k}" for k in range(1, 30)) for i in range(9)}  # noqa: RUF012

        def violation(self, ops):
            return None if not np.any(ops) else "be the first"

    assert "could not be found" in problems(Narrow)["samples"]
