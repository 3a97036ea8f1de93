"""The examples of docs/extending.md, carried out as they stand there, in an empty folder."""

import os
import re
import shlex
import tomllib
from pathlib import Path
from unittest.mock import patch

import pytest
from warm_processes import run_warm

from archcost.cli.main import main
from archcost.datasets import CostTable
from archcost.simulating import get_simulator, load_accelerator
from archcost.spaces import SPACES, get_space

pytestmark = pytest.mark.slow
PAGE = (Path(__file__).parents[1] / "docs/extending.md").read_text(encoding="utf-8")
SECTIONS = dict(part.split("\n", 1) for part in PAGE.split("\n## ")[1:])
NAMED = re.compile(r"`([\w./]+)`:\n\n```\w+\n(.*?)```", re.DOTALL)
ACCELERATOR = "An accelerator to simulate"


def blocks(title, language):
    """Return the blocks of a section that are no file's."""
    return re.findall(rf"```{language}\n(.*?)```", NAMED.sub("", SECTIONS[title]), re.DOTALL)


def write_files(title, folder):
    for name, content in NAMED.findall(SECTIONS[title]):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


def carry_out(title, folder, **environment):
    """Write the files of a section and run its commands and its Python code."""
    write_files(title, folder)
    settings = {"ARCHCOST_DATA_DIR": str(folder / "data"), **environment}
    commands = "".join(blocks(title, "sh")).replace("\\\n", "").splitlines()
    programs = [("-m", *shlex.split(line, comments=True)) for line in commands]
    for program in [*programs, *(("-c", code) for code in blocks(title, "python"))]:
        assert program[:2] == ("-m", "archcost") or program[0] == "-c", program
        done = run_warm(*program, cwd=folder, env={**os.environ, **settings})
        assert done.returncode == 0, f"{program}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("title", [title for title in SECTIONS if "From an" not in title])
def test_every_section_says_how(title):
    assert "```" in SECTIONS[title] or "one entry" in SECTIONS[title]


def test_space(workplace):
    carry_out("A search space", workplace)
    with patch.dict(SPACES):
        get_space("my_space.py:MySpace")
        table = CostTable.read(workplace / "mine.parquet")
        (key,) = table.keys()
    assert str(key) == "my_space-cpu_torch-latency-photos"
    assert table.counts() == {"ok": 60}
    assert (workplace / f"models/{key}/manifest.json").is_file()


def test_device(workplace):
    carry_out("A device", workplace)
    assert (workplace / "models/nasbench201-my_board-latency-cifar10/manifest.json").is_file()


def test_runtime(workplace):
    carry_out("A runtime to measure with", workplace)
    table = CostTable.read(workplace / "here.parquet")
    (key,) = table.keys()
    assert str(key) == "nasbench201-cpu_torch_channels_last-latency-cifar10"
    archs, costs_ms = table.costs(key)
    assert len(archs) == 30
    assert (costs_ms > 0).all()
    assert table.provenance.runtime == "torch_channels_last"
    assert (workplace / f"models/{key}/manifest.json").is_file()


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
    path = tmp_path / "my_npu.toml"
    path.write_text(text)
    edited = load_accelerator(path)
    assert edited.sha256 != load_accelerator("eyeriss_like").sha256
    assert get_simulator(edited).name == "zigzag"
    words_on_keys = SECTIONS[ACCELERATOR].split("Each of")[1].split("```")[0]
    for key in re.findall(r"`([\w\[\].]+)`", words_on_keys):
        assert f"\n{key}" in text, key


def test_simulator_gives_the_roofline(workplace):
    carry_out("A simulator", workplace)
    table = CostTable.read(workplace / "my_chip.parquet")
    (key,) = table.keys()
    assert key.device == "my_chip"
    assert table.counts() == {"ok": 60}
    chip, space = tomllib.loads((workplace / "my_chip.toml").read_text()), get_space("nasbench201")
    for arch, cost_ms in zip(*table.costs(key), strict=True):
        computing_ms = moving_ms = slower_ms = 0.0
        for layer in space.layers(arch):
            numbers = layer.input_bytes + layer.output_bytes + layer.weight_bytes
            times_ms = layer.flops / 2e6 / chip["gmacs_per_s"], numbers / 1e6 / chip["gb_per_s"]
            computing_ms, moving_ms = computing_ms + times_ms[0], moving_ms + times_ms[1]
            slower_ms += max(times_ms)
        assert cost_ms == pytest.approx(slower_ms)
        assert max(computing_ms, moving_ms) < cost_ms < computing_ms + moving_ms


def test_predictor(workplace):
    write_files("A simulator", workplace)
    carry_out("A predictor", workplace)
    key = "nasbench201-my_chip-latency-cifar10"
    assert (workplace / f"models/{key}/manifest.json").is_file()


def test_encoder(tmp_path):
    carry_out("An encoder", tmp_path)


def test_source(tmp_path):
    carry_out("A source of costs", tmp_path)
    table = CostTable.read(tmp_path / "some_phone.parquet")
    assert table.costs("nasbench201-some_phone-latency-cifar10")[1].tolist() == [9.5, 7.25]
    assert (tmp_path / "data/two-cells/costs.csv").is_file()


def test_installed_package(tmp_path):
    for title in list(SECTIONS)[:-2]:
        write_files(title, tmp_path)
    (declared,) = blocks("From an installed package", "toml")
    metadata = tmp_path / "my_package-1.0.dist-info"
    metadata.mkdir()
    metadata.joinpath("METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-package\nVersion: 1.0"
    )
    groups = tomllib.loads(declared)["project"]["entry-points"]
    metadata.joinpath("entry_points.txt").write_text(
        "\n".join(
            f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in entries.items())
            for group, entries in groups.items()
        )
    )
    carry_out("From an installed package", tmp_path, PYTHONPATH=str(tmp_path))
    assert CostTable.read(tmp_path / "two.parquet").counts() == {"ok": 2}
    assert CostTable.read(tmp_path / "nine.parquet").counts() == {"ok": 9}
    assert (tmp_path / "data/two-cells/costs.csv").is_file()
