"""The command line: help, predict, devices, errors."""

import errno
import os
import subprocess
import sys

import pytest

from archcost.cli.main import COMMANDS, main

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert all(f"  {name}" in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_shows_an_example(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert f"archcost {name}" in capsys.readouterr().out.split("example", 1)[1]


def test_predict_one(capsys):
    assert main(["predict", CELL, "--device", "eyeriss"]) == 0
    assert capsys.readouterr().out == "3.4 ms (90 %: 3.4 to 3.4)\n"


def test_predict_several_is_csv(capsys):
    assert main(["predict", "0", CELL, "--device", "fpga", "--metric", "energy"]) == 0
    head, first, _ = capsys.readouterr().out.splitlines()
    assert head == "arch,energy_mj,energy_mj_low,energy_mj_high"
    assert first.startswith("0,18.0107,")  # printed by HW-NAS-Bench's example: 18.01072


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", CELL, "--device", "raspi5"], "did you mean 'raspi4'?"),
        (["predict", "nonsense", "--device", "raspi4"], "no search space accepts"),
        (["predict", CELL, "--device", "raspi4", "--metric", "power"], "metric must be one of"),
        (["predict", CELL, "--device", "raspi4", "--model", "/nowhere"], "manifest.json"),
    ],
)
def test_bad_input_is_one_clean_line(arguments, message, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("archcost: error: ") and error.count("\n") == 1
    assert message in error


def test_devices_lists_and_shows_a_card(capsys):
    assert main(["devices", "--space", "nasbench201", "--device", "pixel3"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0].split()[:4] == ["space", "device", "metric", "unit"]
    assert "Google Pixel 3" in text and "HW-NAS-Bench" in text


def test_devices_refuses_unknown_names(capsys):
    assert main(["devices", "--device", "raspi5"]) == 2
    assert "did you mean 'raspi4'?" in capsys.readouterr().err
    assert main(["devices", "--space", "fbnets"]) == 2
    assert "did you mean 'fbnet'?" in capsys.readouterr().err


def test_module_runs():
    command = [sys.executable, "-m", "archcost", "predict", "0", "--device", "eyeriss"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    assert result.stdout.startswith("3.65 ms")


def test_ctrl_c_while_a_command_is_imported_is_no_traceback(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("archcost.cli.main.import_module", interrupted)
    assert main(["predict", "7", "--device", "raspi4"]) == 130
    assert capsys.readouterr().err == "archcost: stopped\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_said_with_what_to_do(number, monkeypatch, capsys):
    def fail(arguments):
        raise OSError(number, os.strerror(number), "page.html")

    monkeypatch.setattr("archcost.cli.devices.run", fail)
    assert main(["devices"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("archcost: error: [Errno ") and "'page.html'; free some space" in said
