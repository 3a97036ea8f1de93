import collections
import io
import os
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcost.datasets.pickles import load_pickle, load_torch_zip
from archcost.errors import IntegrityError, MissingDataError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def test_an_archive_with_a_password_or_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", pickle.dumps([1.0] * 1000))
    whole = path.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    encrypted = bytearray(whole)
    encrypted[6] |= 1  # the flag of the file, here and in the directory
    encrypted[directory + 8] |= 1
    method = bytearray(whole)
    method[8], method[directory + 10] = 97, 97
    for content in (encrypted, method, whole[:directory] + whole[directory + 4 :], b"PK", b""):
        path.write_bytes(content)
        with pytest.raises(IntegrityError, match=r"is no \.pt archive, or is truncated or encr"):
            load_torch_zip(path)


class Foreign:
    """Runs a command when a common unpickler loads it."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def dump(path, data, protocol=2):
    path.write_bytes(pickle.dumps(data, protocol))
    return path


@settings(deadline=None)  # machines are busy at times
@given(data=PLAIN, protocol=st.integers(0, 5))
def test_plain_data_comes_back(tmp_path_factory, data, protocol):
    path = tmp_path_factory.getbasetemp() / "plain.pickle"
    assert load_pickle(dump(path, data, protocol)) == data


@pytest.mark.parametrize("protocol", range(6))
def test_numpy_numbers_come_back(tmp_path, protocol):
    data = {
        "scalars": [np.float64(1.5), np.float32(2.5), np.int64(3)],
        "array": np.arange(6.0).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "big": np.array([1, 2], dtype=">i4"),
        "words": np.array(["cifar10", "x"]),
        "ordered": collections.OrderedDict(a=1),
    }
    loaded = load_pickle(dump(tmp_path / "t.pickle", data, protocol))
    assert loaded["scalars"] == data["scalars"]
    assert loaded["ordered"] == {"a": 1}
    for name in ("array", "fortran", "big", "words"):
        np.testing.assert_array_equal(loaded[name], data[name])


def test_a_foreign_class_is_named_and_not_run(tmp_path):
    marker = tmp_path / "ran"
    path = dump(tmp_path / "evil.pickle", {"latency": [1.0, Foreign(marker)]})
    with pytest.raises(IntegrityError, match=r"asks for \w+\.system; nothing was run"):
        load_pickle(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    "data",
    [
        np.array([None]),
        np.dtype([("a", "f8")]),
        np.zeros(2, dtype=[("a", "f8")]),
        np.datetime64("2020-01-01"),
        {1, 2}.__iter__(),
        io.BytesIO(b"x"),
    ],
    ids=["objects", "structure", "structured", "datetime", "iterator", "stream"],
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_whatever_is_no_number_is_refused(tmp_path, data, protocol):
    with pytest.raises(IntegrityError):
        load_pickle(dump(tmp_path / "t.pickle", data, protocol))


def test_the_reader_cannot_be_changed_by_what_it_reads(tmp_path):
    # GLOBAL pushes a stand-in, BUILD tries to set its state.
    path = tmp_path / "t.pickle"
    path.write_bytes(b"\x80\x02cnumpy\ndtype\n}X\x01\x00\x00\x00aK\x01sb.")
    with pytest.raises(IntegrityError, match="must not change"):
        load_pickle(path)


@pytest.mark.parametrize("content", [b"", b"not a pickle", pickle.dumps([1.0] * 99)[:-20]])
def test_a_damaged_pickle_says_so(tmp_path, content):
    path = tmp_path / "t.pickle"
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"t\.pickle is no pickle or is damaged"):
        load_pickle(path)


def test_a_missing_file_says_how_to_get_it(tmp_path):
    with pytest.raises(MissingDataError, match="archcost data fetch"):
        load_pickle(tmp_path / "none.pickle")


def torch_zip(path, data):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(data, 2))
        archive.writestr("archive/version", "3\n")
    return path


def test_a_torch_archive_is_read_as_torch_reads_it(tmp_path):
    import torch

    path = tmp_path / "t.pt"
    torch.save({"a": [1.0, 2.0]}, path)
    assert load_torch_zip(path) == torch.load(path) == {"a": [1.0, 2.0]}
    torch.save(torch.ones(2), path)
    with pytest.raises(IntegrityError):
        load_torch_zip(path)


def test_a_torch_archive_with_a_foreign_class_is_refused(tmp_path):
    path = torch_zip(tmp_path / "t.pt", [Foreign(tmp_path / "ran")])
    with pytest.raises(IntegrityError, match="nothing was run"):
        load_torch_zip(path)
    assert not (tmp_path / "ran").exists()


def test_a_damaged_torch_archive_says_so(tmp_path):
    path = torch_zip(tmp_path / "t.pt", [1.0] * 100)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(IntegrityError, match="truncated"):
        load_torch_zip(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.txt", "x")
    with pytest.raises(IntegrityError, match=r"one data\.pkl"):
        load_torch_zip(path)
