"""Commands on networks of any kind: measure, export, import, suggest, transfer, train."""

import csv
import io
import json

import pytest

from archcost.cli.main import main
from archcost.datasets import CostTable
from archcost.networks import graph_work
from archcost.spaces import get_space

ANY = get_space("any")
KEY = "any-my_board-latency-as_given"
BENCH = '#!/bin/sh\nstat -c \'{"latency_ms": %s}\' "$1"\n'
"""A device on which each byte of a file takes a millisecond."""


@pytest.fixture
def bench(workplace):
    (workplace / "bench.sh").write_text(BENCH)
    (workplace / "bench.sh").chmod(0o755)
    (workplace / "networks.txt").write_text("resnet18@64\nprobe_0_001\nsqueezenet1_1@64#2\n")
    return ["--runtime", "command", "--command", "./bench.sh {model}", "--device", "my_board",
            "--rounds", "1", "--quiet"]  # fmt: skip


def measured(path):
    table = CostTable.read(path)
    ops, cost = table.costs(KEY)
    return dict(zip(ANY.names(ops), cost, strict=True)), table


def test_listed_networks_are_measured_in_batches(bench, workplace, capsys):
    out = workplace / "out.parquet"
    asked = ["measure", "--space", "any", "--networks", "networks.txt", "--out", str(out), *bench]
    assert main(asked) == 0
    found, table = measured(out)
    assert set(found) == {"resnet18@64", "probe_0_001", "squeezenet1_1@64#2"}
    assert found["resnet18@64"] == pytest.approx(4 * 11_689_512, rel=0.01)  # its parameters
    assert sorted(table.to_pandas()["batch_size"]) == [1, 1, 2]
    assert main(["data", "check", str(out)]) == 0
    asked[asked.index(str(out))] = str(workplace / "batches.parquet")
    assert main([*asked, "--batch", "4"]) == 0
    found, table = measured(workplace / "batches.parquet")
    assert set(found) == {"resnet18@64#4", "probe_0_001#4", "squeezenet1_1@64#4"}
    assert set(table.to_pandas()["batch_size"]) == {4}
    of_a_space = ["measure", "--space", "fbnet", "--count", "2", "--out", "f.parquet", *bench]
    assert main([*of_a_space, "--batch", "4"]) == 2
    assert "--batch must be 1 or more, and go with" in capsys.readouterr().err


def test_usual_networks_are_probes_and_those_that_say_most():
    archs, chosen = ANY.usual()
    names = ANY.names(archs)
    assert len(set(names)) == 140
    assert names[0] == "probe_0_000" and "resnet18" in names[120:]
    assert chosen == "120 probes of seed 0 and 20 networks of the zoo"


def test_exported_networks_come_back_by_name(bench, workplace, capsys):
    folder = workplace / "nets"
    assert main(["export", "--space", "any", "--networks", "networks.txt", "--out", str(folder),
                 "--quiet"]) == 0  # fmt: skip
    files = list(csv.DictReader(io.StringIO((folder / "manifest.csv").read_text())))
    rows = [f"{row['arch']},{number + 1.5}" for number, row in enumerate(files)]
    (workplace / "results.csv").write_text("\n".join(["arch,latency_ms", *rows]))
    assert main(["data", "import", "results.csv", "--space", "any", "--device", "my_board",
                 "--out", "out.parquet"]) == 0  # fmt: skip
    found, _ = measured(workplace / "out.parquet")
    assert found == {"resnet18@64": 1.5, "probe_0_001": 2.5, "squeezenet1_1@64#2": 3.5}
    assert main(["export", "--space", "fbnet", "--out", "elsewhere"]) == 2
    assert "--count or --archs must say" in capsys.readouterr().err


def test_suggested_networks_are_transferred_and_predicted(workplace, capsys):
    assert main(["suggest", "--space", "any", "-n", "3", "--csv"]) == 0
    names = [row["arch"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))]
    assert len(names) == 3
    rows = [f"{name},{20 + number}" for number, name in enumerate(names)]
    (workplace / "mine.csv").write_text("\n".join(["arch,latency_ms", *rows]))
    command = ["transfer", "my_board", "mine.csv", "--space", "any", "--sources", "cpu_litert"]
    assert main([*command, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["key"] == KEY and facts["n_train"] == 3
    assert main(["predict", names[0], "--device", "my_board"]) == 0
    assert "transferred from known devices" in capsys.readouterr().out
    assert main(["transfer", "my_board", "mine.csv", "--space", "any", "--sources", "raspi4"]) == 2
    assert "source must be one of" in capsys.readouterr().err


@pytest.mark.slow
def test_a_table_of_networks_trains_a_model(workplace, capsys):
    ops = ANY.sample(30)
    costs = [0.1 + graph_work(graph).macs / 1e8 for graph in ANY.networks(ops)]
    CostTable.from_costs(ANY, ops, costs, device="my_board").write("mine.parquet")
    assert main(["train", "--table", "mine.parquet", "--seeds", "1", "--quiet"]) == 0
    assert "kernels chosen on validation rows" in capsys.readouterr().out
    assert main(["predict", "probe_0_002", "--device", "my_board"]) == 0
