import csv
import json

import pytest

import archcost
from archcost.cli.main import main
from archcost.cli.predict_networks import numbers_of
from archcost.errors import ArchcostError


def test_one_network_is_shown_with_its_dearest_layers(capsys):
    assert main(["predict", "resnet18@96", "--device", "cpu_litert"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "ms (90 %: " in lines[0]
    assert len(lines) == 9 and lines[3].split() == ["layer", "output", "ms", "share"]


def test_all_layers_are_written(capsys, tmp_path):
    table, plot = tmp_path / "layers.csv", tmp_path / "layers.svg"
    for path in (table, plot):
        main(["predict", "resnet18@96", "--device", "cpu_litert", "--layers", str(path)])
    rows = list(csv.DictReader(table.read_text().splitlines()))
    total = sum(float(row["latency_ms"]) for row in rows)
    assert total == pytest.approx(archcost.predict("resnet18@96", "cpu_litert"))
    assert "<svg" in plot.read_text()
    assert main(["predict", "resnet18", "--device", "cpu_litert", "--layers", "layers.doc"]) == 2
    assert "must be a .csv file" in capsys.readouterr().err


def test_several_networks_are_csv_and_json(capsys):
    main(["predict", "resnet18@96", "resnet34@96", "--device", "cpu_litert"])
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["arch"] for row in rows] == ["resnet18@96", "resnet34@96"]
    assert float(rows[0]["latency_ms"]) < float(rows[1]["latency_ms"])
    main(["predict", "resnet18@96", "--device", "cpu_litert", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["latency_ms_low"] < found["latency_ms"] < found["latency_ms_high"]
    assert len(found["dearest_layers"]) == 5


def test_batch_and_shape(capsys):
    assert main(["predict", "resnet18@96", "--batch", "4", "--device", "cpu_litert"]) == 2
    assert "--extrapolate" in capsys.readouterr().err
    words = ["--batch", "4", "--extrapolate", "--device", "cpu_litert"]
    assert main(["predict", "resnet18@96", *words]) == 0
    assert main(["predict", "1462", "--batch", "4", "--device", "raspi4"]) == 2
    assert "--batch must go with any network" in capsys.readouterr().err
    with pytest.raises(ArchcostError, match="whole numbers"):
        numbers_of("3,a,4")
