import pytest

from archcost.errors import MissingDataError, UnknownNameError
from archcost.measuring.energy_counter import EnergyCounter, energy_counter
from archcost.measuring.journal import Journal
from archcost.measuring.measure_settings import MeasureSettings
from archcost.measuring.measured_table import measured_table
from archcost.measuring.measuring import measure, measuring_setup, reference_arch
from archcost.measuring.runtime import Runtime
from archcost.spaces import get_space

SPACE = get_space("nasbench201")
ARCHS = SPACE.all_ops[[3, 1000, 2000, 3000]]


class FakeCounter(EnergyCounter):
    name, window_s = "a fake", 0.002

    def __init__(self):
        self.total_mj = 1e6

    def read_mj(self):
        return self.total_mj


class Heater(Runtime):
    """Each inference takes 1 ms and as many mJ as the index says; the reference none."""

    name, precision = "heater", "fp32"

    def __init__(self, counter):
        self.counter = counter

    def version(self):
        return "1.0"

    def load(self, space, ops, dataset, threads):
        is_reference = (ops == reference_arch(space, dataset)).all()
        energy_mj = 0 if is_reference else space.index(ops)

        def infer_ms():
            self.counter.total_mj += energy_mj
            return 1.0

        return infer_ms


def measured(path, counter, runtime):
    settings = MeasureSettings(rounds=2, runs=1)
    setup = measuring_setup(SPACE, "cifar10", runtime, settings, counter)
    with Journal(path, setup) as journal:
        measure(SPACE, ARCHS, "cifar10", runtime, journal, settings, counter=counter)
    return measured_table(
        SPACE, ARCHS, journal.records, device="board", setup=setup, provenance={}
    ), journal.records


def test_energy_of_an_inference_is_in_the_table(tmp_path):
    counter = FakeCounter()
    table, records = measured(tmp_path / "j", counter, Heater(counter))
    _, energy_mj = table.costs("nasbench201-board-energy-cifar10")
    assert energy_mj.tolist() == [3.0, 1000.0, 2000.0, 3000.0]
    assert [record.energy_mj for record in records[:4]] == [
        float(SPACE.index(record.arch)) for record in records[:4]
    ]
    frame = table.to_pandas()
    assert set(frame["unit"][frame["metric"] == "energy"]) == {"mJ"}
    assert frame["n_repeats"][frame["metric"] == "energy"].tolist() == [2] * 4
    assert table.costs("nasbench201-board-latency-cifar10")[1].tolist() == [1.0] * 4
    assert table.provenance.energy_counter == "a fake"
    assert table.provenance.energy_repeatability_spearman == pytest.approx(1.0)
    with Journal(tmp_path / "j", measuring_setup_of(table)) as journal:
        assert journal.records == records


def measuring_setup_of(table):
    counter = FakeCounter()
    return measuring_setup(SPACE, "cifar10", Heater(counter), MeasureSettings(runs=1), counter)


def test_counter_that_stands_still_is_a_failure(tmp_path):
    table, _ = measured(tmp_path / "j", FakeCounter(), Heater(FakeCounter()))
    assert table.counts() == {"failed": 8}
    failed = table.provenance.failures["failed"]
    assert failed == {"n_archs": 4, "first_error": "energy must be positive, but got 0.0 mJ"}


@pytest.fixture
def powercap(tmp_path, monkeypatch):
    """Lay out a powercap tree as the kernel does: two packages, and a laptop's platform zone."""
    rapl = pytest.importorskip("zeus.device.cpu.rapl")
    folder = tmp_path / "intel-rapl"
    for zone, name, range_uj in (
        ("intel-rapl:0", "package-0", 1000),
        ("intel-rapl:1", "package-1", 2000),
        ("intel-rapl:2", "psys", 5000),
        ("intel-rapl:0/intel-rapl:0:0", "core", 1000),
    ):
        (folder / zone).mkdir(parents=True)
        (folder / zone / "name").write_text(f"{name}\n")
        (folder / zone / "energy_uj").write_text("900\n")
        (folder / zone / "max_energy_range_uj").write_text(f"{range_uj}\n")
    monkeypatch.setattr(rapl, "RAPL_DIR", str(folder))
    return folder


def test_rapl_sums_packages_and_sees_a_counter_wrap_around(powercap):
    counter = energy_counter("cpu")
    assert counter.read_mj() == 0.0
    (powercap / "intel-rapl:1/energy_uj").write_text("1500\n")
    assert counter.read_mj() == 0.6
    (powercap / "intel-rapl:0/energy_uj").write_text("50\n")
    (powercap / "intel-rapl:2/energy_uj").write_text("4900\n")
    assert counter.read_mj() == pytest.approx(0.6 + 0.15)
    assert "RAPL, 2 CPU package(s)" in counter.name


def test_missing_rapl_says_what_was_looked_at(powercap, monkeypatch):
    (powercap / "intel-rapl:1/energy_uj").unlink()
    with pytest.raises(MissingDataError, match=r"from .*intel-rapl:1/energy_uj, but.*chmod a\+r"):
        energy_counter("cpu")
    for zone in ("intel-rapl:0", "intel-rapl:1"):
        (powercap / zone / "name").write_text("dram\n")
        (powercap / zone / "energy_uj").write_text("1\n")
    with pytest.raises(MissingDataError, match="intel-rapl holds none of a CPU package"):
        energy_counter("cpu")
    monkeypatch.setattr("zeus.device.cpu.rapl.RAPL_DIR", str(powercap / "none"))
    with pytest.raises(MissingDataError, match=r"there is no .*none: the kernel shows none"):
        energy_counter("cpu")


def test_gpu_is_read_through_its_driver(monkeypatch):
    pytest.importorskip("zeus")

    class Gpus:
        def get_total_energy_consumption(self, index):
            return 12345 + index

    monkeypatch.setattr("zeus.device.gpu.get_gpus", Gpus)
    counter = energy_counter("gpu")
    assert counter.read_mj() == 12345.0
    assert counter.window_s == 0.5

    def none():
        raise RuntimeError("NVML unavailable.")

    monkeypatch.setattr("zeus.device.gpu.get_gpus", none)
    with pytest.raises(MissingDataError, match=r"\(NVML\), but: NVML unavailable; measure"):
        energy_counter("gpu")


def test_target_and_package_are_checked(monkeypatch):
    with pytest.raises(UnknownNameError, match="target of an energy counter"):
        energy_counter("npu")
    from importlib.metadata import PackageNotFoundError

    def version(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("archcost.extras.version", version)
    with pytest.raises(MissingDataError, match=r"pip install 'archcost\[energy\]'"):
        energy_counter("cpu")
