import csv

import numpy as np
import pytest

from archcost.datasets import DEVICES, SOURCES, CostKey
from archcost.datasets.source_timm import known_digests, parse
from archcost.datasets.timm_tables import TABLES, read_latencies
from archcost.errors import IntegrityError, MissingDataError
from archcost.networks import graph_work
from archcost.spaces import get_space

SPACE = get_space("any")
HEAD = "model,infer_img_size,infer_samples_per_sec,infer_step_time,infer_batch_size,param_count\n"
GPU, CPU = "rtx4090_pt240_nchw", "i9_10940x_pt240_compiled"


def table_of(device):
    return next(table for table in TABLES if table.device == device)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("timm")
    lines = (
        "resnet26,224,4000.0,256.0,1024,16.0\nrepvgg_b0,224,5000,204.8,1024,15.8\n"
        "unknown_net,224,10,1,1,1\nresnet50,224,,,,25.6\necaresnext50t_32x4d,224,2000,,,15.4\n"
    )
    for device in (GPU, CPU):
        (folder / table_of(device).file).write_text(HEAD + lines)
    return parse(folder)


def costs(table, device):
    ops, latency_ms = table.costs(CostKey("any", device, "latency", "as_given"))
    by_digest = dict(zip(SPACE.format_many(ops), latency_ms.tolist(), strict=True))
    return {name: by_digest[one] for name, one in known_digests().items() if one in by_digest}


def test_costs_are_ms_an_image(table):
    assert costs(table, GPU)["timm:resnet26@224"] == 0.25
    assert table.provenance.to_dict()["networks_left_out"] == {GPU: 1, CPU: 1}


def test_names_that_mean_other_networks_today_are_paired_with_what_was_measured(table):
    found = costs(table, GPU)
    assert found["timm:ecaresnext26t_32x4d@224"] == 0.5
    assert "timm:ecaresnext50t_32x4d@224" not in found
    work = {name: graph_work(SPACE.graph(known_digests()[f"timm:{name}@224"])).macs / 1e9
            for name in ("ecaresnext26t_32x4d", "resnext101_32x8d")}  # fmt: skip
    published = {"ecaresnext26t_32x4d": 2.70, "resnext101_32x8d": 16.48}  # in the tables
    assert work == pytest.approx(published, rel=0.02)
    assert "timm:ig_resnext101_32x16d@224" not in known_digests()


def test_branches_are_merged_on_gpus_alone(table):
    assert costs(table, GPU)["timm:repvgg_b0@224+merged"] == 0.2
    assert costs(table, CPU)["timm:repvgg_b0@224"] == 0.2
    plain, merged = (
        SPACE.graph(known_digests()[f"timm:repvgg_b0@224{end}"]) for end in ("", "+merged")
    )
    assert graph_work(merged).macs < graph_work(plain).macs
    assert len(merged.nodes) < len(plain.nodes)


def test_each_table_has_a_card_that_says_what_its_costs_are():
    assert len({table.device for table in TABLES}) == len(TABLES) == 13
    for table in TABLES:
        card = DEVICES[table.device]
        assert table.torch in card.runtime
        assert ("throughput" in card.name) is ("rtx" in table.device)
        assert table.layout in card.name


def test_files_are_those_of_the_source():
    files = {file.path for file in SOURCES["timm"].files}
    assert files == {"LICENSE", *(table.file for table in TABLES)}


def test_damaged_and_missing_files(tmp_path):
    with pytest.raises(MissingDataError, match="archcost data fetch timm"):
        parse(tmp_path)
    (tmp_path / TABLES[0].file).write_text("model,infer_img_size\nresnet18,224\n")
    with pytest.raises(IntegrityError, match="line 2 has not"):
        read_latencies(tmp_path, TABLES[0])


def test_work_is_that_of_the_published_columns(real_tables):
    file = real_tables / "timm" / table_of(GPU).file
    ratios = []
    for row in csv.DictReader(file.read_text().splitlines()):
        digest = known_digests().get(f"timm:{row['model']}@{row['infer_img_size']}")
        known = ("resnet", "regnet", "efficientnet")
        if digest and row["model"].startswith(known) and float(row["infer_gmacs"]) > 1:
            ratios.append(graph_work(SPACE.graph(digest)).macs / 1e9 / float(row["infer_gmacs"]))
        if len(ratios) == 40:
            break
    assert np.median(ratios) == pytest.approx(1, abs=0.01)
    assert np.mean(np.abs(np.array(ratios) - 1) < 0.05) >= 0.9
