import numpy as np
import pytest

from archcost.datasets import DEVICES, SOURCES, CostKey, load_published
from archcost.datasets.pickles import load_torch_zip
from archcost.datasets.source_help import HELP
from archcost.datasets.source_oneproxy import ONEPROXY
from archcost.errors import IntegrityError, MissingDataError
from archcost.spaces import FBNet, NASBench201

SPACE = NASBench201()
NONE, SKIP, CONV1, CONV3, POOL = range(5)


@pytest.fixture(scope="module")
def published(real_tables):
    return load_published(real_tables)


@pytest.fixture(scope="module")
def oneproxy(real_tables):
    return ONEPROXY.parse(real_tables / "oneproxy")


def cells(table, device):
    return table.costs(CostKey("nasbench201", device, "latency", "cifar10"))


def test_help_holds_every_device_in_both_spaces(real_tables):
    table = HELP.parse(real_tables / "help")
    for space, n_archs in (("nasbench201", 15625), ("fbnet", 5000)):
        part = table.select(space=space)
        assert len(part.keys()) == 27
        assert len(part) == 27 * n_archs
    assert table.counts() == {"ok": len(table)}


def test_help_is_in_published_order(real_tables, published):
    raw = load_torch_zip(real_tables / "help/nasbench201/latency/raspi4.pt")
    ops, latency_ms = cells(published, "raspi4")
    assert latency_ms.tolist() == raw
    np.testing.assert_array_equal(ops, SPACE.all_ops)
    networks, _ = published.costs("fbnet-raspi4-latency-cifar100")
    np.testing.assert_array_equal(networks, load_torch_zip(real_tables / "help/fbnet/arch.pt"))


def test_kinds_and_batch_sizes_are_those_of_the_cards(published):
    rows = published.to_pandas()[["device", "kind", "batch_size", "metric"]].drop_duplicates()
    for row in rows.itertuples():
        card = DEVICES[row.device]
        assert row.batch_size == card.batch_size
        assert row.kind == ("derived" if row.metric == "energy" else card.kind)


@pytest.mark.parametrize("device", ["eyeriss", "fpga", "pixel3", "raspi4"])
def test_oneproxy_and_help_agree(published, oneproxy, device):
    ops, latency_ms = cells(oneproxy, device)
    assert len(ops) == 1999
    every, all_ms = cells(published, device)
    place = np.argsort(SPACE.code(every))[SPACE.code(ops)]
    assert (all_ms[place] == latency_ms).all()


def test_networks_that_did_not_compile_have_no_cost(oneproxy):
    edgetpu = oneproxy.select(device="edgetpu")
    assert edgetpu.counts() == {"did_not_compile": 259, "ok": 1740}
    assert edgetpu.to_arrow().column("cost").null_count == 259
    assert cells(oneproxy, "edgetpu")[1].min() > 0
    assert oneproxy.select(device="edgegpu").counts() == {"ok": 1999}


def test_eyeriss_and_fpga_are_linear_in_the_op_counts(published):
    ops, eyeriss_ms = cells(published, "eyeriss")
    count = {op: (ops == op).sum(axis=1) for op in range(5)}
    linear = 1.67954 + 1.47456 * (count[CONV3] + count[POOL]) + 0.24576 * count[CONV1]
    np.testing.assert_allclose(eyeriss_ms, linear, rtol=1e-9)
    assert len(np.unique(eyeriss_ms.round(9))) == 27
    _, fpga_ms = cells(published, "fpga")
    linear = 1.13296 + 1.2576 * count[CONV3] + 0.5152 * count[CONV1] + 0.4096 * count[POOL]
    np.testing.assert_allclose(fpga_ms, linear, rtol=1e-9)
    assert len(np.unique(fpga_ms.round(9))) == 84


@pytest.mark.parametrize("device", ["eyeriss", "fpga", "pixel3", "raspi4"])
def test_fbnet_is_additive_on_the_devices_of_hw_nas_bench(published, device):
    ops, latency_ms = published.costs(f"fbnet-{device}-latency-cifar100")
    one_hot = (ops[:, :, None] == np.arange(9)).reshape(len(ops), -1)
    inputs = np.column_stack([np.ones(len(ops)), one_hot])
    weights = np.linalg.lstsq(inputs[:1000], latency_ms[:1000], rcond=None)[0]
    np.testing.assert_allclose(inputs @ weights, latency_ms, rtol=1e-8)


@pytest.mark.parametrize("device", ["pixel2", "essential_ph_1", "samsung_a50", "samsung_s7"])
def test_phones_were_recorded_in_whole_milliseconds(published, device):
    _, latency_ms = cells(published, device)
    assert (latency_ms == latency_ms.round()).all()


def test_fpga_energy_is_derived_where_it_is_not_published(published):
    for space, dataset in (("nasbench201", "cifar10"), ("fbnet", "cifar100")):
        energy = published.select(space=space, device="fpga", metric="energy")
        assert set(energy.to_pandas()["kind"]) == {"derived"}
        _, energy_mj = energy.costs(CostKey(space, "fpga", "energy", dataset))
        _, latency_ms = published.costs(CostKey(space, "fpga", "latency", dataset))
        np.testing.assert_allclose(energy_mj, 7.0 * latency_ms)


def test_derived_costs_can_be_left_out(real_tables):
    keys = load_published(real_tables, derived=False).keys()
    assert {key.metric for key in keys} == {"latency"}
    assert len(keys) == 27 + 27 + 2


def test_one_source_is_enough(real_tables, tmp_path):
    (tmp_path / "oneproxy").symlink_to(real_tables / "oneproxy")
    assert len({key.device for key in sorted(load_published(tmp_path).keys())}) == 6


def test_the_folder_of_the_environment_is_used(real_tables, monkeypatch, published):
    monkeypatch.setenv("ARCHCOST_DATA_DIR", str(real_tables))
    assert load_published().sha256 == published.sha256


def test_without_tables_the_error_says_how_to_get_them(tmp_path):
    with pytest.raises(MissingDataError, match="archcost data fetch"):
        load_published(tmp_path)
    for source in SOURCES.values():
        with pytest.raises(MissingDataError, match="archcost data fetch"):
            source.parse(tmp_path)


def test_files_that_do_not_belong_together_are_refused(real_tables, tmp_path):
    help_folder = real_tables / "help"
    mixed = tmp_path / "nasbench201"
    (mixed / "latency").mkdir(parents=True)
    (mixed / "str_arch2idx.pt").symlink_to(help_folder / "nasbench201/str_arch2idx.pt")
    (mixed / "latency/raspi4.pt").symlink_to(help_folder / "fbnet/latency/raspi4.pt")
    with pytest.raises(IntegrityError, match="latency for each of 15625 architectures"):
        HELP.parse(tmp_path)
    for name in ("encode.pickle", "rice_fpga.pickle"):
        (tmp_path / name).symlink_to(real_tables / "oneproxy/rice_fpga.pickle")
    with pytest.raises(IntegrityError, match=r"encode\.pickle must hold one-hot rows"):
        ONEPROXY.parse(tmp_path)


def test_sources_say_what_they_are():
    for name, source in SOURCES.items():
        assert source.name == name
        assert source.licence == ("Apache-2.0" if source.of_networks else "MIT")
        assert source.citation
        assert len({file.path for file in source.files}) == len(source.files)
        commit = source.base_url.rstrip("/").rpartition("/")[2]
        assert len(commit) == 40


def test_fbnet_devices_have_batch_64_where_cells_have_256(published):
    devices = {space: set() for space in ("nasbench201", "fbnet")}
    for key in sorted(published.keys()):
        devices[key.space].add(key.device)
    assert devices["nasbench201"] - devices["fbnet"] >= {"titanx_256"}
    assert devices["fbnet"] - devices["nasbench201"] >= {"titanx_64"}
    assert FBNet().default_dataset == "cifar100"
