import argparse
import os
import signal
import subprocess
import sys
import time

import pytest

from archcost.datasets import ArchcostError, ArchitectureError, MissingDataError, UnknownNameError
from archcost.datasets.cost_table import CostTable
from archcost.datasets.journal import Journal
from archcost.datasets.spaces import get_space
from archcost.measure_command import add_parser

pytest.importorskip("onnxruntime")
SPACE = get_space("nasbench201")
SCRIPT = """
import argparse, sys
from archcost.measure_command import add_parser
parser = argparse.ArgumentParser()
add_parser(parser.add_subparsers())
args = parser.parse_args(sys.argv[1:])
sys.exit(args.run(args))
"""


def run(*words):
    parser = argparse.ArgumentParser(prog="archcost")
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["measure", *map(str, words)])
    return args.run(args)


def start(tmp_path, *words):
    """Start the command in a process of its own and wait until it has measured something."""
    out = tmp_path / "t.parquet"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "measure", "--out", str(out), *map(str, words)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    journal = tmp_path / "t.parquet.journal"
    deadline = time.monotonic() + 60
    while not journal.exists() or journal.read_bytes().count(b"\n") < 5:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process, out, journal


def test_measures_and_reports(tmp_path, capsys):
    out = tmp_path / "t.parquet"
    words = ("--space", "nasbench201", "--count", 5, "--rounds", 2, "--runs", 2, "--out", out)
    assert run(*words, "--quiet") == 0
    printed = capsys.readouterr()
    assert "nasbench201-cpu_onnxruntime-latency-cifar10, 5 ok" in printed.out
    assert "repeatability: " in printed.out
    assert printed.err == ""
    table = CostTable.read(out)
    assert table.provenance["rounds"] == 2
    assert table.provenance["architectures"] == "5 drawn uniformly with seed 0"
    assert run(*words, "--quiet") == 0
    assert CostTable.read(out).sha256 == table.sha256


def test_progress_bar_shows_round(tmp_path, capsys):
    out = tmp_path / "t.parquet"
    run("--space", "fbnet", "--count", 1, "--rounds", 1, "--runs", 1, "--out", out)
    assert "round 1/1" in capsys.readouterr().err


def test_architectures_come_from_a_file(tmp_path, capsys):
    listed = tmp_path / "wanted.csv"
    names = [SPACE.format(index) for index in (3, 1, 3)]
    listed.write_text("rank,arch\n" + "\n".join(f"{i},{name}" for i, name in enumerate(names)))
    out = tmp_path / "t.parquet"
    words = ("--space", "nasbench201", "--rounds", 1, "--runs", 1, "--out", out, "--quiet")
    assert run(*words, "--archs", listed, "--device", "my_board") == 0
    table = CostTable.read(out)
    assert [SPACE.index(ops) for ops in table.costs(table.keys()[0])[0]] == [3, 1]
    assert table.keys()[0].device == "my_board"
    listed.write_text("7\n\n5\n")
    assert run(*words[:-3], "--out", tmp_path / "u.parquet", "--quiet", "--archs", listed) == 0
    assert len(CostTable.read(tmp_path / "u.parquet")) == 2


def test_kill_loses_at_most_one_measurement(tmp_path):
    words = ("--space", "nasbench201", "--count", 10, "--rounds", 90, "--runs", 2, "--quiet")
    process, out, journal = start(tmp_path, *words)
    process.kill()
    process.communicate()
    assert not out.exists()
    before = journal.read_bytes()
    kept = before[: before.rfind(b"\n") + 1]
    assert run(*words[:5], 2, *words[6:], "--out", out) == 0
    assert journal.read_bytes().startswith(kept)
    assert CostTable.read(out).counts() == {"ok": 10}


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_leaves_a_valid_table(tmp_path):
    words = ("--space", "nasbench201", "--count", 200, "--rounds", 1, "--runs", 1, "--loaded", 4)
    process, out, _ = start(tmp_path, *words)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"interrupted; the same command goes on from here" in stderr
    counts = CostTable.read(out).counts()
    assert counts["ok"] >= 4
    assert counts["ok"] + counts["not_measured"] == 200


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (("--space", "nasbench2"), UnknownNameError, "did you mean 'nasbench201'"),
        (("--runtime", "onnxruntim"), UnknownNameError, "did you mean 'onnxruntime'"),
        (("--dataset", "imagenet"), UnknownNameError, "dataset of nasbench201 must be one of"),
        (("--device", "My board"), UnknownNameError, "device id must be made of"),
        (("--out", "t.csv"), ArchcostError, "--out must end in .parquet, but got 't.csv'"),
        (("--count", "0"), ArchcostError, "--count must be at least 1, but got 0"),
        (("--count", "-3"), ArchitectureError, "n must be between 0 and"),
        (("--rounds", "0"), ArchcostError, "rounds must be 1 or more"),
        (("--archs", "nowhere.csv"), MissingDataError, "there is no file nowhere.csv"),
    ],
)
def test_bad_input_is_refused(tmp_path, monkeypatch, words, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        run("--space", "nasbench201", "--out", "t.parquet", "--quiet", *words)
    assert list(tmp_path.iterdir()) == []


def test_bad_lines_are_refused(tmp_path):
    listed = tmp_path / "wanted.csv"
    words = ("--space", "nasbench201", "--out", tmp_path / "t.parquet", "--archs", listed)
    listed.write_text("arch\n")
    with pytest.raises(ArchitectureError, match="at least one architecture, but is empty"):
        run(*words)
    listed.write_text("arch\n12\n|nor_conv_3x3~0|\n")
    with pytest.raises(ArchitectureError, match=r"line 3 of .*must read like"):
        run(*words)


def test_missing_runtime_says_how_to_get_it(tmp_path, monkeypatch):
    from importlib.metadata import PackageNotFoundError

    def version(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("archcost.datasets.extras.version", version)
    with pytest.raises(MissingDataError, match=r"pip install 'archcost\[measure\]'"):
        run("--space", "nasbench201", "--out", tmp_path / "t.parquet")


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        run("--help")
    printed = capsys.readouterr().out
    assert "in many short rounds" in printed
    assert "examples:" in printed
    assert "archcost train --table" in printed


def test_journal_is_beside_the_table(tmp_path):
    from archcost.measure_command import journal_path

    path = journal_path(tmp_path / "t.parquet")
    assert path == tmp_path / "t.parquet.journal"
    Journal(path, {}).close()
