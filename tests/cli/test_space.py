from pathlib import Path

import pytest

from archcost.cli.main import main
from archcost.spaces import SPACES

MY_SPACE = f"{Path(__file__).parents[1] / 'my_space.py'}:MySpace"


def test_list_names_the_known_spaces(capsys):
    assert main(["space", "list"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["space", "positions", "ops", "combinations", "dataset"]
    assert {row.split()[0] for row in rows} >= set(SPACES)


def test_check_of_a_good_space(capsys):
    assert main(["space", "check", MY_SPACE]) == 0
    text = capsys.readouterr().out
    assert "validity        ok       1,008 of 1,200 combinations are valid\n" in text
    assert text.endswith("\nno problems\n")


def test_check_of_a_broken_space(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("broken.py").write_text(
        f"import sys; sys.path.append({str(Path(__file__).parents[1])!r})\n"
        "from my_space import MySpace\n\n"
        "class Broken(MySpace):\n    name = 'My space'\n    edges = ((0, 1),)\n"
    )
    assert main(["space", "check", "broken.py:Broken"]) == 1
    text = capsys.readouterr().out
    assert "name      problem  name must be made of a-z" in text
    assert "edges     problem  edges must have one pair a position, 5, but has 1" in text
    assert text.endswith("\n2 problems\n")
    assert "My space" not in SPACES


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("fbnets", "did you mean 'fbnet'?"),
        ("nowhere.py:Space", "must name a Python file, but there is no"),
        (MY_SPACE.replace("MySpace", "YourSpace"), "did you mean 'MySpace'?"),
        (MY_SPACE.replace("MySpace", "BLOCKS"), "must be a subclass of SearchSpace"),
    ],
)
def test_what_is_no_space(reference, message, capsys):
    assert main(["space", "check", reference]) == 2
    assert message in capsys.readouterr().err
