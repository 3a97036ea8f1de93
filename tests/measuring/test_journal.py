import errno
import json

import pytest

from archcost.errors import ArchcostError, CostTableError, IntegrityError
from archcost.measuring.journal import Journal, RoundRecord
from archcost.measuring.measuring import networks_digest
from archcost.spaces import NASBench201

RECORDS = [
    RoundRecord("a", 0, (1.5, 1.25), 2.0),
    RoundRecord("b", 0, error="OSError: gone", status="did_not_compile"),
    RoundRecord("a", 1, (1.75,), 2.5, energy_mj=0.5),
    RoundRecord("b", 1, error="OSError: gone", status="failed"),
]


def written(path):
    with Journal(path, {"threads": 1}) as journal:
        for record in RECORDS:
            journal.append(record)
    return path


def test_visits_come_back(tmp_path):
    path = written(tmp_path / "deep" / "j")
    with Journal(path, {"threads": 1}) as journal:
        assert journal.records == RECORDS
        assert journal.done() == {("a", 0), ("b", 0), ("a", 1), ("b", 1)}
        assert journal.failures_in_a_row() == {"a": 0, "b": 2}


def test_journal_of_the_first_version_is_read(tmp_path):
    (tmp_path / "j").write_text(
        '{"setup": {}}\n'
        '{"arch": "a", "round": 0, "ms": [1.5], "reference_ms": 2.0}\n'
        '{"arch": "b", "round": 0, "error": "RuntimeError: no kernel"}\n'
    )
    with Journal(tmp_path / "j", {}) as journal:
        good, bad = journal.records
    assert (good.latencies_ms, good.reference_ms, good.status) == ((1.5,), 2.0, "ok")
    assert (bad.error, bad.status) == ("RuntimeError: no kernel", "failed")


def test_journal_without_a_success_is_no_obstacle_to_another_setup(tmp_path):
    with Journal(tmp_path / "j", {"runtime": "first"}) as journal:
        journal.append(RoundRecord("a", 0, error="OSError: gone", status="failed"))
    with Journal(tmp_path / "j", {"runtime": "second"}) as journal:
        assert journal.records == []
        journal.append(RoundRecord("a", 0, (1.5,)))
    with pytest.raises(CostTableError, match=r"runtime 'second' \(now 'first'\)"):
        Journal(tmp_path / "j", {"runtime": "first"})
    with Journal(tmp_path / "j", {"runtime": "second"}) as journal:
        assert journal.records == [RoundRecord("a", 0, (1.5,))]


def test_failures_are_forgotten_only_without_a_success(tmp_path):
    failure = RoundRecord("a", 0, error="OSError: gone", status="failed")
    with Journal(tmp_path / "j", {}) as journal:
        journal.append(failure)
        journal.forget_failures_without_success()
        assert journal.records == []
        journal.extend([failure, RoundRecord("b", 0, (1.5,))])
        journal.forget_failures_without_success()
    with Journal(tmp_path / "j", {}) as journal:
        assert [record.arch for record in journal.records] == ["a", "b"]


def test_half_a_line_from_a_killed_process_is_dropped(tmp_path):
    path = written(tmp_path / "j")
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with Journal(path, {"threads": 1}) as journal:
        assert journal.records == RECORDS[:-1]
        journal.append(RECORDS[-1])
    assert path.read_bytes() == whole


def test_full_disk_is_told_and_what_was_written_stays(tmp_path):
    path = written(tmp_path / "j")
    whole = path.read_bytes()

    class FullDisk:
        """Takes half a line, then nothing."""

        def __init__(self, file):
            self.file, self.close = file, file.close
            self.written = 0

        def write(self, data):
            if self.written:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.written = self.file.write(data[: len(data) // 2])
            return self.written

    with Journal(path, {"threads": 1}) as journal:
        journal._file = FullDisk(journal._file)
        with pytest.raises(ArchcostError, match=r"No space left on device.*same command goes on"):
            journal.append(RoundRecord("c", 0, (1.0,)))
        assert journal.records == RECORDS
    assert len(path.read_bytes()) > len(whole)
    with Journal(path, {"threads": 1}) as journal:
        assert journal.records == RECORDS
    assert path.read_bytes() == whole


def test_only_one_process_writes(tmp_path, monkeypatch):
    pytest.importorskip("fcntl")
    monkeypatch.setattr("archcost.measuring.journal.LOCK_WAIT_S", 0.1)
    with (
        Journal(tmp_path / "j", {}),
        pytest.raises(ArchcostError, match="one process at a time can measure for"),
    ):
        Journal(tmp_path / "j", {})
    Journal(tmp_path / "j", {}).close()


def test_journal_of_another_setup_is_refused_and_kept(tmp_path):
    path = written(tmp_path / "j")
    whole = path.read_bytes()
    with pytest.raises(CostTableError, match=r"begun with threads 1 \(now 2\).*another --out"):
        Journal(path, {"threads": 2})
    assert path.read_bytes() == whole


def test_journal_of_other_networks_is_refused(tmp_path):
    class Thin(NASBench201):
        """Of the same strings, with other networks."""

        def describe(self, ops, dataset, builder):
            features = builder.flatten(builder.global_pool(builder.input(dataset.input_shape)))
            return builder.linear(features, dataset.n_classes, name="head")

    setups = [{"networks": networks_digest(space(), "cifar10")} for space in (NASBench201, Thin)]
    assert setups[0] == {"networks": networks_digest(NASBench201(), "cifar10")}
    path = written(tmp_path / "j")  # one from before the networks were named goes on
    Journal(path, {"threads": 1, **setups[0]}).close()
    with Journal(tmp_path / "k", setups[0]) as journal:
        journal.append(RoundRecord("x", 0, (1.0,)))
    with pytest.raises(CostTableError, match="begun with networks"):
        Journal(tmp_path / "k", setups[1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PAR1\x00\x01\n", "line 1 is"),
        (b'{"arch": "x"}\n', "must begin with its setup"),
        (b'{"setup": {}}\n[1]\n', "line 2 is"),
        (b'{"setup": {}}\n{"arch": "x", "ms": [1]}\n', "line 2 of the journal"),
        (b'{"setup": {}}\n{"arch": "x", "round": 0, "ms": [1], "energy_mj": []}\n', "line 2 of"),
    ],
)
def test_file_that_is_no_journal_is_refused(tmp_path, content, message):
    (tmp_path / "j").write_bytes(content)
    with pytest.raises(IntegrityError, match=message):
        Journal(tmp_path / "j", {})
    assert (tmp_path / "j").read_bytes() == content


def test_each_line_is_json(tmp_path):
    lines = [json.loads(line) for line in written(tmp_path / "j").read_text().splitlines()]
    assert lines[0] == {"setup": {"threads": 1}}
    assert lines[1] == {"arch": "a", "round": 0, "ms": [1.5, 1.25], "reference_ms": 2.0}
