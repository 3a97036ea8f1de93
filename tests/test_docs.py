"""The pages and notebooks of the documentation, carried out as they stand there."""

import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from archcost.cli.main import main

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [
    "tutorial/known_device.md",
    "tutorial/own_device.md",
    "python.md",
    "tutorial/any_network.md",
    "search.md",
]
BLOCK = re.compile(r"```(sh|python)\n(.*?)```", re.DOTALL)


def run_command(line):
    """Run a line of a shell block in this process, its output in a file where it says so."""
    words = shlex.split(line, comments=True)
    assert words[0] == "archcost", line
    *words, target = words if ">" in words else [*words, ">", "output.txt"]
    with Path(target).open("w") as file, redirect_stdout(file):
        try:
            main(words[1:-1])
        except SystemExit as end:
            assert end.code in (None, 0), line
    assert Path(target).stat().st_size or words[1] in ("measure", "transfer"), line


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows_can_be_done(page, workplace):
    blocks = BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    assert blocks
    names = {}
    for language, code in blocks:
        if language == "python":
            exec(compile(code, page, "exec"), names)
        else:
            for line in code.splitlines():
                run_command(line)
    if page == PAGES[1]:
        assert len(names["latency_ms"]) == 15_625
        assert (names["latency_ms"] > 0).all()
    if page == PAGES[2]:
        assert set(names["search"].best_params_) == {"scale"}
        assert names["search"].best_estimator_.predict(names["archs"][:3]).shape == (3,)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the notebook libraries
@pytest.mark.parametrize("path", sorted(DOCS.glob("notebooks/*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_run(path, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    book = nbformat.read(path, as_version=4)
    stored = [cell.outputs for cell in book.cells if cell.cell_type == "code"]
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}})\
        .execute()  # fmt: skip
    found = [cell.outputs for cell in book.cells if cell.cell_type == "code"]
    for before, after in zip(stored, found, strict=True):
        assert [sorted(kind.get("data", kind)) for kind in before] == [
            sorted(kind.get("data", kind)) for kind in after
        ]


def test_every_page_has_a_place_in_the_site():
    nav = (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    assert len(pages) > 20
    assert [page for page in pages if f"{page}\n" not in nav] == []
