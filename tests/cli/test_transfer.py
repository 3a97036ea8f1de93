"""The commands suggest and transfer."""

import io
from contextlib import redirect_stdout

from archcost.cli.main import main
from archcost.models import CostModel
from archcost.spaces import get_space

SPACE = get_space("fbnet")
SOURCES = "1080ti_1,1080ti_32,1080ti_64"


def run(*arguments):
    output = io.StringIO()
    with redirect_stdout(output):
        status = main(list(arguments))
    return status, output.getvalue()


def cost_ms(arch):
    return 5.0 + float((SPACE.parse(arch) < 8).sum()) + 0.1 * float(SPACE.parse(arch).sum())


def test_from_suggestion_to_prediction(shared_workplace, capsys):
    status, text = run("suggest", "--space", "fbnet", "-n", "8", "--sources", SOURCES)
    assert status == 0
    header, *archs = text.split()
    assert header == "arch"
    assert len(archs) == 8
    assert "expected error of a prediction" in capsys.readouterr().err
    lines = ["arch,latency_ms", *(f"{arch},{cost_ms(arch)}" for arch in archs)]
    (shared_workplace / "measured.csv").write_text("\n".join(lines) + "\n")
    status, text = run(
        "transfer", "my_phone", "measured.csv", "--space", "fbnet", "--sources", SOURCES
    )
    assert status == 0
    assert "Made of 8 measurements." in text
    assert "logged as models:/m-" in text
    assert list(shared_workplace.glob("models/*transfer_report.md"))
    status, compared = run("compare", "--device", "my_phone")
    title, head, row = compared.splitlines()
    assert "8 measurements, each predicted from the others (leave-one-out" in title
    assert head.split() == ["predictor", "Spearman", "within", "10", "%", "seeds"]
    manifest = CostModel.load(next(shared_workplace.glob("models/*-my_phone-*/"))).manifest
    assert row.split()[:2] == ["transfer", f"{manifest.scores['left_out_spearman']:.4f}"]
    status, text = run("predict", archs[0], "--device", "my_phone")
    assert status == 0
    assert abs(float(text.split()[0]) / cost_ms(archs[0]) - 1) < 0.1
    assert "90 %:" in text
    status, text = run(
        "suggest", "--space", "fbnet", "-n", "2", "--sources", SOURCES, "--measured", "measured.csv"
    )
    assert status == 0
    assert not set(text.split()[1:]) & set(archs)


def test_errors_are_told(shared_workplace, capsys):
    assert main(["transfer", "my_phone", "nothing.csv", "--space", "fbnet"]) == 2
    assert "there is no cost table" in capsys.readouterr().err
    assert main(["suggest", "--space", "fbnet", "-n", "0", "--sources", ""]) == 2
    assert "n must be at least 1" in capsys.readouterr().err
