"""Answers as text, JSON and CSV; usage errors; progress in logs."""

import argparse
import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import archcost
from archcost import progress
from archcost.cli.completion import parsers_of
from archcost.cli.main import build_parser, main
from archcost.progress import progress_bar

LEAVES = [one for one in parsers_of(build_parser()) if one._subparsers is None]


@pytest.mark.parametrize("parser", LEAVES, ids=lambda parser: parser.prog)
def test_every_command_answers_programs_and_can_be_quiet(parser):
    assert {"--json", "--quiet"} <= set(parser._option_string_actions)
    assert "%%" not in parser.format_help()


@pytest.mark.parametrize(
    "words",
    [
        ["predict", "1462", "7", "--device", "raspi4"],
        ["predict", "1462", "--device", "raspi4"],
        ["devices", "--space", "fbnet"],
        ["devices", "--like", "raspi4", "--space", "fbnet"],
        ["space", "list"],
        ["models", "list", "--space", "fbnet"],
        ["suggest", "--space", "fbnet", "-n", "2"],
    ],
    ids=" ".join,
)
def test_json_and_csv_hold_the_same_rows_and_nothing_else(words, capsys):
    assert main([*words, "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert main([*words, "--csv", "--quiet"]) == 0
    printed = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(printed.out)))
    assert printed.err == ""
    assert [list(row) for row in rows] == [list(record) for record in records]
    assert len(rows) > 0
    for row, record in zip(rows, records, strict=True):
        assert list(row.values()) == ["" if v is None else str(v) for v in record.values()]


@pytest.mark.parametrize(
    "words",
    [
        ["models", "show", "nasbench201-raspi4-latency-cifar10"],
        ["space", "check", f"{Path(__file__).parents[1]}/my_space.py:MySpace"],
        ["data", "list"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_json_objects(words, capsys):
    assert main([*words, "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), dict)


def test_no_command_prints_the_help(capsys):
    assert main([]) == 0
    assert "usage: archcost" in capsys.readouterr().out
    assert main(["models"]) == 0
    assert "usage: archcost models" in capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"archcost {archcost.__version__}\n"
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = archcost.nonsense


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "--sed", "3"], "unknown arguments: --sed 3; did you mean --seeds?"),
        (["compare", "nonsense"], "unknown arguments: nonsense"),
        (["predict", "5"], "the following arguments are required: --device"),
        (["predct"], "unknown COMMAND 'predct'; did you mean 'predict'? There are: "),
        (["data", "chek"], "unknown ACTION 'chek'; did you mean 'check'? There are: list"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_usage_errors_show_the_commands_own_usage_and_an_example(words, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    name = (
        f"archcost {words[0]}"
        if words[0] in ("train", "compare", "predict", "data")
        else "archcost"
    )
    assert printed.err.startswith(f"usage: {name} ")
    assert said in printed.err
    assert f"for example:\n  {name}" in printed.err


def test_an_unknown_option_has_a_suggestion(capsys):
    with pytest.raises(SystemExit):
        main(["predict", "5", "--device", "raspi4", "--modle", "x"])
    assert "unknown arguments: --modle x; did you mean --model?" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["a,b", "c"], ["a", "b", "c"], ["a,b,c"], ["a, b", "c"]])
def test_lists_are_taken_as_they_are_typed(words):
    parsed = build_parser().parse_args(["train", "--predictors", *words])
    assert parsed.predictors == ["a", "b", "c"]
    parsed = build_parser().parse_args(["scan", "--space", "x", "--max", "a=1", "b=2,c=3"])
    assert parsed.max == ["a=1", "b=2", "c=3"]


def test_predict_takes_tables_and_skips_a_header(tmp_path, monkeypatch, capsys):
    table = pd.DataFrame({"rank": [1, 2], "arch": ["1462", "7"]})
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "a.parquet")
    answers = []
    for name in ("a.csv", "a.parquet"):
        assert main(["predict", "--archs", str(tmp_path / name), "--device", "raspi4"]) == 0
        answers.append(capsys.readouterr().out)
    for text in ((tmp_path / "a.csv").read_text(), "arch\n1462\n7\n", "1462\n\n7\n"):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        assert main(["predict", "--device", "raspi4"]) == 0
        answers.append(capsys.readouterr().out)
    assert len(set(answers)) == 1 and answers[0].count("\n") == 3
    table.drop(columns="arch").to_parquet(tmp_path / "b.parquet")
    assert main(["predict", "--archs", str(tmp_path / "b.parquet"), "--device", "raspi4"]) == 2


def test_the_nearest_devices_come_first(capsys):
    assert main(["devices", "--like", "raspi5", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)[0]["device"] == "raspi4"
    assert "no model of 'raspi5' is known" in printed.err
    assert main(["devices", "--like", "pixel3", "--space", "fbnet", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["device"] == "pixel3" and rows[0]["alike"] == pytest.approx(1.0)
    alike = [row["alike"] for row in rows]
    assert alike == sorted(alike, reverse=True)


def test_models_of_ones_own_can_be_removed(workplace, capsys):
    key = "nasbench201-raspi4-latency-cifar10"
    model = archcost.load("raspi4", space="nasbench201")
    model.save(workplace / "models" / key)
    assert main(["models", "list", "--own", "--json"]) == 0
    assert [row["model"] for row in json.loads(capsys.readouterr().out)] == [key]
    assert main(["models", "remove", key]) == 0
    assert not (workplace / "models" / key).exists()
    capsys.readouterr()
    assert main(["models", "remove", key]) == 2
    assert "only a model of your own can be removed" in capsys.readouterr().err
    assert archcost.load("raspi4", space="nasbench201").key == model.key  # the pretrained one


def test_a_log_gets_a_line_every_minute(monkeypatch, capsys):
    for _ in progress_bar(range(3), desc="short"):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "LOG_EVERY_S", 0.0)
    with progress_bar(total=2, desc="long", unit="fit") as bar:
        bar.update()
        bar.update()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2 and all("long" in line for line in lines)
    assert "\r" not in "".join(lines)


@pytest.mark.parametrize(
    ("line", "found"),
    [("archcost predict --device raspi", "raspi4"), ("archcost measure --runtime onnx", "onnxrun")],
)
def test_completion_knows_names(line, found):
    pytest.importorskip("argcomplete")
    code = (
        "import os, io; from archcost.cli.main import main; from archcost.cli import completion\n"
        "import argcomplete\n"
        "import sys; out = sys.stdout\n"
        "original = argcomplete.autocomplete\n"
        "argcomplete.autocomplete = lambda p: original(p, output_stream=out, exit_method=exit)\n"
        "main(['x'])"
    )
    shell = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=shell, capture_output=True, text=True, check=False
    )
    assert found in done.stdout
    assert isinstance(build_parser(), argparse.ArgumentParser)


def test_completion_of_zsh_turns_completing_on(capsys):
    pytest.importorskip("argcomplete")
    assert main(["completion", "zsh"]) == 0
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first == "#compdef archcost"
    assert "compinit" in second


def test_a_file_of_architectures_is_told_from_an_architecture(workplace, capsys):
    (workplace / "mine.csv").write_text("arch\n1462\n")
    assert main(["predict", "mine.csv", "--device", "raspi4"]) == 2
    assert "write --archs mine.csv" in capsys.readouterr().err
