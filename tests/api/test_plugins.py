"""What users bring from files: found, registered, and sent to other processes."""

import pickle
import subprocess
import sys

import pytest

from archcost import measuring, simulating
from archcost.errors import ArchcostError, UnknownNameError
from archcost.measuring import RUNTIMES, Runtime, get_runtime
from archcost.plugins import load_object
from archcost.spaces import SPACES, get_space

RUNTIME = """
from dataclasses import dataclass

from archcost.measuring import Runtime


@dataclass(frozen=True)
class Port:
    number: int


class Board(Runtime):
    name, precision = "board", "fp32"

    def __init__(self, number=7):
        self.port = Port(number)

    def version(self):
        return "1"

    def load(self, space, ops, dataset, threads):
        return lambda: float(self.port.number)


class Silent(Board):
    name = None


board_nine = Board(9)
"""
SHOW = "import pickle, sys; found = pickle.load(sys.stdin.buffer); print(found.name, found.port)"


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_runtime.py").write_text(RUNTIME)
    monkeypatch.setattr(measuring, "RUNTIMES", dict(RUNTIMES))
    return "my_runtime.py"


def test_class_or_object_of_a_file_is_found(file):
    assert get_runtime(f"{file}:Board").port.number == 7
    assert get_runtime(f"{file}:board_nine") is get_runtime(f"{file}:board_nine")
    with pytest.raises(UnknownNameError, match="did you mean 'Board'"):
        get_runtime(f"{file}:Bord")
    with pytest.raises(ArchcostError, match="must be a subclass of Runtime or an object of one"):
        get_runtime(f"{file}:Port")


def test_registered_object_is_found_by_its_name(file):
    with pytest.raises(UnknownNameError, match="runtime must be one of"):
        get_runtime("board")
    made = measuring.register(load_object(f"{file}:Board"))
    assert get_runtime("board") is made
    again = measuring.register(load_object(f"{file}:Board")(8))
    assert get_runtime("board") is again


def test_name_of_another_is_not_taken(file):
    class Torch(load_object(f"{file}:Board")):
        name = "torch"

    with pytest.raises(ArchcostError, match="'torch' is that of TorchEager already; give Torch"):
        measuring.register(Torch)
    with pytest.raises(ArchcostError, match="must be a subclass of Simulator"):
        simulating.register(Torch)


def test_one_that_does_not_say_its_name_is_refused(file):
    with pytest.raises(ArchcostError, match="must have an attribute 'name' that is a text, but"):
        get_runtime(f"{file}:Silent")
    with pytest.raises(ArchcostError, match="must have an attribute 'name' that is a text, but"):
        measuring.register(load_object(f"{file}:Silent"))


def test_class_without_its_methods_is_refused():
    class Unfinished(Runtime):
        name, precision = "unfinished", "fp32"

    with pytest.raises(ArchcostError, match=r"have all methods, but Can't instantiate .*load"):
        get_runtime(Unfinished)


def test_object_of_a_file_arrives_in_another_process(file, tmp_path):
    board = load_object(f"{file}:Board")(number=3)
    done = subprocess.run(
        [sys.executable, "-c", SHOW], input=pickle.dumps(board), capture_output=True, check=True,
        cwd="/",
    )  # fmt: skip
    assert done.stdout.decode().strip() == "board Port(number=3)"


@pytest.mark.parametrize("shipped", [*SPACES.values(), *RUNTIMES.values()], ids=lambda x: x.name)
def test_shipped_objects_are_pickled_as_ever(shipped):
    found = pickle.loads(pickle.dumps(shipped))
    assert type(found) is type(shipped)
    assert vars(found).keys() == vars(shipped).keys()


def test_unknown_space_lists_what_there_is():
    with pytest.raises(UnknownNameError, match="space must be one of"):
        get_space("my_spac")
