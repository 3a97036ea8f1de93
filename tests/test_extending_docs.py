"""The worked examples of docs/extending.md, carried out in a copy of the package."""

import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import archcost
from archcost.cli.main import main
from archcost.datasets import CostTable
from archcost.simulating import get_simulator
from archcost.simulating.accelerator import load_accelerator
from archcost.spaces import get_space

pytestmark = pytest.mark.slow
TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs/extending.md").read_text(encoding="utf-8")
RUNTIME, ACCELERATOR, SIMULATOR = (
    "A runtime to measure with",
    "An accelerator to simulate",
    "A simulator",
)
FOLDERS = sorted(m.name for m in pkgutil.iter_modules(archcost.__path__) if m.ispkg)


def section(title):
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def blocks(title, language):
    return re.findall(rf"```{language}\n(.*?)```", section(title), re.DOTALL)


def command(title, name):
    """Return the words of a command of the page."""
    lines = "".join(blocks(title, "sh")).splitlines()
    (found,) = [line for line in lines if line.startswith(f"archcost {name} ")]
    return shlex.split(found)[1:]


def add(folder, title, file, listing):
    """Do what a section says: write the file, and the entry into the dict."""
    code, entry = blocks(title, "python")
    assert f"`{folder.name}/{file}`" in section(title)
    assert f"`{folder.name}/{listing}`" in section(title)
    (folder / file).write_text(code, encoding="utf-8")
    before, opening, after = (folder / listing).read_text(encoding="utf-8").partition(" in (")
    import_line, new = entry.split("\n\n")
    (folder / listing).unlink()  # the link, not the file
    (folder / listing).write_text(f"{import_line}\n{before}{opening}\n{new}{after}")


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """Return a folder with the package as a contributor has it after both examples."""
    root = tmp_path_factory.mktemp("extended")
    for name in ("archcost", *(f"archcost.{layer}" for layer in FOLDERS)):
        folder = root / name.replace(".", "/")
        folder.mkdir()
        for path in Path(importlib.import_module(name).__file__).parent.iterdir():
            if path.name != "__pycache__" and not (path / "__init__.py").exists():
                (folder / path.name).symlink_to(path)
    add(root / "archcost/measuring", RUNTIME, "torch_channels_last.py", "runtimes.py")
    add(root / "archcost/simulating", SIMULATOR, "roofline.py", "simulators.py")
    return root


def run(root, module, *words):
    """Run a module of the copy, or one that imports it."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, words)], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_runtime_fulfils_the_contract(extended):
    pytest.importorskip("torch")
    words = (
        "-q",
        "-p",
        "no:cacheprovider",
        TESTS / "measuring" / "test_runtimes.py",
        "-k",
        "channels_last",
    )
    printed = run(extended, "pytest", *words)
    assert " passed, " in printed
    assert "skipped" not in printed


def test_runtime_measures(extended):
    pytest.importorskip("torch")
    words = command(RUNTIME, "measure")
    run(extended, "archcost", *words, "--count", "2", "--rounds", "1", "--quiet")
    table = CostTable.read(extended / words[words.index("--out") + 1])
    (key,) = table.keys()
    training = command(RUNTIME, "train")
    assert [key.space, key.device] == ["nasbench201", training[training.index("--device") + 1]]
    archs, costs_ms = table.costs(key)
    assert len(archs) == 2
    assert (costs_ms > 0).all()


def test_accelerator_can_be_edited_as_shown(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["simulate", "--show", "eyeriss_like"])
    assert stopped.value.code in (None, 0)
    text = capsys.readouterr().out
    (block,) = blocks(ACCELERATOR, "toml")
    for line in filter(None, block.splitlines()):
        key, equals, _ = line.partition(" = ")
        pattern = f"{key} = .*" if equals else re.escape(line)
        text, count = re.subn(rf"^{pattern}$", line, text, flags=re.MULTILINE)
        assert count == 1, line
    words = command(ACCELERATOR, "simulate --space")
    path = tmp_path / words[words.index("--accelerator") + 1]
    path.write_text(text)
    edited = load_accelerator(path)
    assert edited.sha256 != load_accelerator("eyeriss_like").sha256
    assert get_simulator(edited).name == "zigzag"
    words_on_keys = section(ACCELERATOR).split("Each of")[1].split("```")[0]
    for key in re.findall(r"`([\w\[\].]+)`", words_on_keys):
        assert f"\n{key}" in text, key


def test_simulator_gives_the_roofline(extended):
    words = command(SIMULATOR, "simulate")
    (description,) = blocks(SIMULATOR, "toml")
    (extended / words[words.index("--accelerator") + 1]).write_text(description)
    run(extended, "archcost", *words, "--count", "20", "--quiet")
    table = CostTable.read(extended / words[words.index("--out") + 1])
    (key,) = table.keys()
    training = command(SIMULATOR, "train")
    assert key.device == training[training.index("--device") + 1]
    assert table.counts() == {"ok": 20}
    chip, space = tomllib.loads(description), get_space("nasbench201")
    for arch, cost_ms in zip(*table.costs(key), strict=True):
        computing_ms = moving_ms = slower_ms = 0.0
        for layer in space.layers(arch):
            numbers = layer.input_bytes + layer.output_bytes + layer.weight_bytes
            times_ms = layer.flops / 2e6 / chip["gmacs_per_s"], numbers / 1e6 / chip["gb_per_s"]
            computing_ms, moving_ms = computing_ms + times_ms[0], moving_ms + times_ms[1]
            slower_ms += max(times_ms)
        assert cost_ms == pytest.approx(slower_ms)
        assert max(computing_ms, moving_ms) < cost_ms < computing_ms + moving_ms
