import argparse
import dataclasses
import pickle

import pytest

from archcost.cli.data import add_parser
from archcost.datasets import SOURCES, CostTable
from archcost.datasets.fetching import digest_of
from archcost.errors import CostTableError, IntegrityError, UnknownNameError
from archcost.spaces import NASBench201

SPACE = NASBench201()
A, B = SPACE.format_many(SPACE.all_ops[:2])


def run(*words):
    parser = argparse.ArgumentParser(prog="archcost")
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["data", *map(str, words)])
    return args.run(args)


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    monkeypatch.setenv("ARCHCOST_DATA_DIR", str(folder))
    return folder


def test_list_shows_licence_citation_and_what_is_here(data_dir, capsys):
    assert run("list") == 0
    text = capsys.readouterr().out
    assert f"data folder: {data_dir}" in text
    for source in SOURCES.values():
        assert f"{source.name} (not here)" in text
        assert source.citation in text
    assert text.count("licence: MIT") + text.count("licence: Apache") == len(SOURCES)
    (data_dir / "oneproxy").mkdir(parents=True)
    (data_dir / "oneproxy/LICENSE").write_text("MIT")
    run("list")
    assert "oneproxy (1 of 8 files)" in capsys.readouterr().out


def test_fetch_takes_a_file_and_shows_what_it_is(data_dir, tmp_path, capsys, monkeypatch):
    mine = tmp_path / "mine.pickle"
    mine.write_bytes(pickle.dumps({"nasbench201": {}}))
    source = SOURCES["hw-nas-bench"]
    with pytest.raises(IntegrityError, match="gitblob"):
        run("fetch", "hw-nas-bench", "--from-file", mine)
    file = dataclasses.replace(source.files[0], digest=digest_of(mine, "gitblob"))
    monkeypatch.setitem(SOURCES, "hw-nas-bench", dataclasses.replace(source, files=(file,)))
    assert run("fetch", "hw-nas-bench", "--from-file", mine) == 0
    text = capsys.readouterr().err
    assert "licence: MIT" in text
    assert source.citation in text
    assert (data_dir / "hw-nas-bench" / file.path).read_bytes() == mine.read_bytes()


def test_fetch_and_check_the_real_tables_by_hand(real_tables, data_dir, capsys):
    assert run("fetch", "oneproxy", "--from-file", real_tables) == 0
    assert run("check") == 0
    text = capsys.readouterr().out
    assert "oneproxy: 8 of 8 files here and sound" in text
    assert "nasbench201-edgetpu-latency-cifar10: 1740 costs" in text
    damaged = data_dir / "oneproxy/rice_fpga.pickle"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert run("check") == 1
    assert "rice_fpga.pickle: not the published file" in capsys.readouterr().err


def test_fetch_refuses_what_makes_no_sense(data_dir, tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'oneproxy'"):
        run("fetch", "oneprox")
    with pytest.raises(CostTableError, match="--from-file must go with one source"):
        run("fetch", "--from-file", tmp_path)


def test_import_makes_a_table_that_checks(tmp_path, capsys):
    (tmp_path / "mine.csv").write_text(f"arch,latency_ms\n{A},7.5\n{B},4\n")
    out = tmp_path / "mine.parquet"
    assert run("import", tmp_path / "mine.csv", "--device", "my_board", "--out", out) == 0
    table = CostTable.read(out)
    assert table.costs("nasbench201-my_board-latency-cifar10")[1].tolist() == [7.5, 4.0]
    assert table.provenance.to_dict() == {"imported_from": "mine.csv"}
    assert run("check", out) == 0
    assert "2 costs, 4 to 7.5 ms" in capsys.readouterr().out


def test_import_takes_batch_size_kind_and_dataset(tmp_path):
    (tmp_path / "mine.csv").write_text(f"arch,energy_mj\n{A},7.5\n")
    out = tmp_path / "mine.parquet"
    words = ("--device", "sim_8", "--batch-size", 8, "--kind", "simulated")
    run("import", tmp_path / "mine.csv", *words, "--dataset", "ImageNet16-120", "--out", out)
    row = CostTable.read(out).to_pandas().iloc[0]
    assert (row["batch_size"], row["kind"], row["dataset"]) == (8, "simulated", "imagenet16_120")


def test_import_reads_a_published_source(real_tables, tmp_path):
    out = tmp_path / "oneproxy.parquet"
    run("import", real_tables / "oneproxy", "--source", "oneproxy", "--out", out)
    assert CostTable.read(out).counts() == {"did_not_compile": 259, "ok": 11735}


def part(path, archs, shard, reference_ms, **provenance):
    told = {"shard": shard, "reference_ms": reference_ms, "repeatability_spearman": 0.9}
    costs = [7.5 + place for place, _ in enumerate(archs)]
    CostTable.from_costs(SPACE, archs, costs, device="b", provenance={**told, **provenance}).write(
        path
    )
    return path


def test_merge_makes_one_table_and_warns(tmp_path, capsys):
    one = part(tmp_path / "one.parquet", [A], "1/3", 2.0)
    two = part(tmp_path / "two.parquet", [B], "2/3", 2.08)
    out = tmp_path / "all.parquet"
    assert run("merge", one, two, "--out", out) == 0
    printed = capsys.readouterr()
    assert "all.parquet: 2 rows, {'ok': 2}" in printed.out
    assert "least repeatable part: 0.9000" in printed.out
    assert printed.err == "warning: not among the parts: shards 3/3\n"
    assert len(CostTable.read(out)) == 2
    three = part(tmp_path / "three.parquet", SPACE.all_ops[2:3], "3/3", 2.2)
    assert run("merge", out, three, "--out", out) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("warning: the reference network took 1.10 times as long")
    assert CostTable.read(out).provenance.parts[1].shard == "2/3"


def test_merge_refuses_other_setups_unless_told(tmp_path):
    one = part(tmp_path / "one.parquet", [A], "1/2", 2.0, threads=1)
    two = part(tmp_path / "two.parquet", [B], "2/2", 2.0, threads=2)
    out = tmp_path / "all.parquet"
    with pytest.raises(CostTableError, match=r"threads 1 and 2; .*--allow-different-setups"):
        run("merge", one, two, "--out", out)
    assert not out.exists()
    assert run("merge", one, two, "--out", out, "--allow-different-setups") == 0


def test_check_names_each_bad_table(tmp_path, capsys):
    (tmp_path / "good.csv").write_text(f"arch,latency_ms\n{A},7.5\n")
    (tmp_path / "bad.csv").write_text(f"arch,latency_ms\n{A},-1\n")
    assert run("check", tmp_path / "bad.csv", tmp_path / "good.csv", "--device", "b") == 1
    captured = capsys.readouterr()
    assert "bad.csv: a cost must be a finite number above 0" in captured.err
    assert "good.csv: 1 rows" in captured.out


@pytest.mark.parametrize("words", [[], ["fetch"], ["import"], ["merge"], ["check"]])
def test_help_teaches(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(*words, "--help")
    assert stopped.value.code == 0
    assert "usage: archcost data" in capsys.readouterr().out
