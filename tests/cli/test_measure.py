import argparse
import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import pytest

from archcost.cli.main import main
from archcost.cli.measure import add_parser
from archcost.datasets.cost_table import CostTable
from archcost.errors import (
    ArchcostError,
    ArchitectureError,
    CostTableError,
    MissingDataError,
    UnknownNameError,
)
from archcost.measuring.journal import Journal
from archcost.spaces.spaces import get_space

pytest.importorskip("onnxruntime")
SPACE = get_space("nasbench201")
SCRIPT = """
import argparse, sys
from archcost.cli.measure import add_parser
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
    assert table.provenance.rounds == 2
    assert table.provenance.architectures == "5 drawn uniformly with seed 0"
    assert run(*words, "--quiet") == 0
    assert CostTable.read(out).sha256 == table.sha256
    fewer = [*words[:3], 2, *words[4:], "--quiet"]
    assert run(*fewer) == 0
    assert CostTable.read(out).sha256 == table.sha256
    (tmp_path / "t.parquet.journal").unlink()
    with pytest.raises(CostTableError, match=r"5 architectures of .* are not in its journal"):
        run(*fewer)
    assert CostTable.read(out).sha256 == table.sha256


def test_progress_in_a_log_waits_a_minute(tmp_path, capfd):
    out = tmp_path / "t.parquet"
    run("--space", "fbnet", "--count", 1, "--rounds", 1, "--runs", 1, "--out", out)
    assert "round" not in capfd.readouterr().err


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


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_leave_a_valid_table(tmp_path, number):
    words = ("--space", "nasbench201", "--count", 200, "--rounds", 1, "--runs", 1, "--loaded", 4)
    process, out, _ = start(tmp_path, *words)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"interrupted; the same command goes on from here" in stderr
    counts = CostTable.read(out).counts()
    assert counts["ok"] >= 4
    assert counts["ok"] + counts["not_measured"] == 200


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_full_disk_is_reported_and_the_same_command_goes_on(tmp_path):
    words = ("--space", "nasbench201", "--count", 10, "--rounds", 90, "--runs", 1, "--quiet")
    out = tmp_path / "t.parquet"
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))"
    done = subprocess.run(
        [sys.executable, "-c", limited + SCRIPT, "measure", "--out", out, *map(str, words)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "ArchcostError: measurements must be written to" in done.stderr
    assert "and when that is mended the same command goes on" in done.stderr
    assert (tmp_path / "t.parquet.journal").stat().st_size <= 30_000
    assert CostTable.read(out).counts() == {"ok": 10}
    with Journal(tmp_path / "t.parquet.journal", setup_in(out)) as journal:
        rounds = 1 + max(record.round for record in journal.records)
    assert run(*words[:5], rounds + 2, *words[6:], "--out", out) == 0
    assert CostTable.read(out).provenance.rounds == rounds + 2


def setup_in(out):
    journal = out.with_name(out.name + ".journal")
    return json.loads(journal.read_text().splitlines()[0])["setup"]


def test_table_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    def write(table, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(CostTable, "write", write)
    out = tmp_path / "t.parquet"
    with pytest.raises(ArchcostError, match=r"No space left on device; all measurements are in"):
        run("--space", "nasbench201", "--count", 2, "--rounds", 1, "--quiet", "--out", out)


def test_setup_of_a_journal_stays_what_it_was(tmp_path):
    from archcost.measuring.machine import describe_machine

    out = tmp_path / "t.parquet"
    run("--space", "nasbench201", "--count", 1, "--rounds", 1, "--quiet", "--out", out)
    # Another setup would refuse the journals that users have.
    setup = setup_in(out)
    assert len(setup.pop("networks")) == 16  # journals from before it was named are taken too
    assert setup == {
        "space": "nasbench201",
        "dataset": "cifar10",
        "runtime": "onnxruntime",
        "runtime_version": version("onnxruntime"),
        "precision": "fp32",
        "batch_size": 1,
        "threads": 1,
        "runs_per_round": 3,
        "warmup_runs": 1,
        "clock": "cpu",
        "reference_arch": "|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+"
        "|nor_conv_1x1~0|nor_conv_1x1~1|nor_conv_1x1~2|",
        **describe_machine(),
    }


def test_journal_goes_on_with_its_clock(tmp_path, capfd):
    out = tmp_path / "t.parquet"
    words = ("--space", "nasbench201", "--count", 3, "--runs", 1, "--quiet", "--out", out)
    run(*words, "--rounds", 1, "--clock", "wall")
    journal = tmp_path / "t.parquet.journal"
    # As an earlier version wrote it, which knew wall time alone.
    journal.write_text(journal.read_text().replace('"clock": "wall", ', "", 1))
    assert run(*words, "--rounds", 2) == 0
    assert "clock: wall time" in capfd.readouterr().out
    assert CostTable.read(out).provenance.rounds == 2
    with pytest.raises(CostTableError, match=r"clock 'wall' \(now 'cpu'\)"):
        run(*words, "--rounds", 2, "--clock", "cpu")


def test_goal_is_reported(tmp_path, capfd):
    out = tmp_path / "t.parquet"
    words = ("--space", "nasbench201", "--count", 8, "--rounds", 2, "--runs", 1, "--out", out)
    assert run(*words, "--repeatability", 0.01) == 0
    printed = capfd.readouterr()
    assert "0.01 was wanted: reached" in printed.out
    assert "repeatability after 2 rounds: " in printed.err
    assert run(*words, "--repeatability", 0.999999, "--max-rounds", 7, "--quiet") == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    found = CostTable.read(out).provenance.to_dict()
    reached = found["repeatability_spearman"] >= 0.999999
    assert ("NOT reached; more --max-rounds" in printed.out) != reached
    assert reached or found["rounds"] >= 7


def test_shards_merge_to_the_table_of_the_whole(tmp_path, capsys):
    words = ("--space", "nasbench201", "--count", 5, "--rounds", 1, "--runs", 1, "--quiet")
    parts = [tmp_path / f"{i}.parquet" for i in (1, 2)]
    for i, part in enumerate(parts, 1):
        assert run(*words, "--shard", f"{i}/2", "--out", part) == 0
    tables = [CostTable.read(part) for part in parts]
    assert [len(table) for table in tables] == [3, 2]
    assert [table.provenance.shard for table in tables] == ["1/2", "2/2"]
    measured = {SPACE.format(ops) for t in tables for ops in t.costs(t.keys()[0])[0]}
    assert measured == set(SPACE.format_many(SPACE.sample(5, seed=0)))
    assert main(["data", "merge", *map(str, parts), "--out", str(tmp_path / "all.parquet")]) == 0
    merged = CostTable.read(tmp_path / "all.parquet")
    assert len(merged) == 5
    assert merged.provenance.runtime == "onnxruntime"
    assert "shards" not in capsys.readouterr().err


def test_failures_are_shown(tmp_path, capsys):
    words = ("--runtime", "command", "--device", "board", "--retries", 0, "--rounds", 3, "--quiet")
    script = tmp_path / "bench.py"
    script.write_text(
        "import pathlib, sys\n"
        "calls = pathlib.Path(__file__).with_name('calls')\n"
        "n = len(calls.read_text()) if calls.exists() else 0\n"
        "calls.write_text('x' * (n + 1))\n"
        "sys.exit('no kernel' if 1 <= n <= 4 else print('{\"latency_ms\": 2.5}'))\n"
    )
    command = f"{sys.executable} {script} {{model}}"
    out = tmp_path / "t.parquet"
    with pytest.raises(ArchcostError, match="at least one of the 2 architectures must get a cost"):
        run("--space", "nasbench201", "--count", 2, *words, "--command", command, "--out", out)
    # One trial call, two for each network, and two that make sure of the device.
    assert len((tmp_path / "calls").read_text()) == 1 + 4 + 2
    printed = capsys.readouterr().out
    assert "2 failed" in printed
    assert "failed: 2, the first with RuntimeError: " in printed
    assert "no kernel" in printed


def test_energy_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("zeus.device.cpu.rapl.RAPL_DIR", str(tmp_path / "none"))
    words = ("--space", "nasbench201", "--out", tmp_path / "t.parquet", "--energy")
    with pytest.raises(MissingDataError, match=r"RAPL counters, but there is no .*none"):
        run(*words)
    monkeypatch.setattr("archcost.cli.measure.build_runtime", lambda args: Elsewhere())
    with pytest.raises(ArchcostError, match="--energy reads the counters of this machine"):
        run(*words)
    assert list(tmp_path.iterdir()) == []


class Elsewhere:
    name, repeats_itself = "elsewhere", True


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
        (("--shard", "3/2"), ArchcostError, "i from 1 to n, such as 2/8, but got '3/2'"),
        (("--count", "1", "--shard", "2/2"), ArchcostError, "there are 1 for shard 2/2"),
        (("--repeatability", "98"), ArchcostError, "must lie between 0 and 1"),
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

    monkeypatch.setattr("archcost.extras.version", version)
    with pytest.raises(MissingDataError, match=r"pip install 'archcost\[measure\]'"):
        run("--space", "nasbench201", "--out", tmp_path / "t.parquet")


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        run("--help")
    printed = capsys.readouterr().out
    assert "in many short rounds" in printed
    assert "examples:" in printed
    assert "archcost train --table" in printed
    assert (
        "archcost measure --space nasbench201 --runtime onnxruntime --count 2000 --out my.parquet"
        in printed
    )


def test_journal_is_beside_the_table(tmp_path):
    from archcost.measuring.journal import journal_path

    path = journal_path(tmp_path / "t.parquet")
    assert path == tmp_path / "t.parquet.journal"
    Journal(path, {}).close()
