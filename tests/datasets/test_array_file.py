"""Archives of arrays: whole, or refused before they fill the memory."""

import json
import struct
import zipfile

import numpy as np
import pytest

from archcost.datasets import array_file
from archcost.datasets.array_file import read_arrays
from archcost.errors import IntegrityError


def npy(shape, descr="<f8", data=b""):
    """Write a numpy array by hand, with a header that may claim anything."""
    header = str({"descr": descr, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def test_arrays_come_back(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", one=np.arange(3), two=np.array("text"))
    arrays = read_arrays(tmp_path / "a.npz")
    assert arrays["one"].tolist() == [0, 1, 2] and str(arrays["two"]) == "text"


def test_a_small_archive_of_much_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, zeros=np.zeros(10**6))
    assert path.stat().st_size < 20_000
    assert len(read_arrays(path)["zeros"]) == 10**6
    monkeypatch.setattr(array_file, "MOST_BYTES", 10**6)
    with pytest.raises(IntegrityError, match=r"take 8,000,\d\d\d bytes, more than 1,000,000"):
        read_arrays(path)


@pytest.mark.parametrize(
    ("shape", "descr"),
    [((10**15,), "<f8"), ((10**24,), "<f8"), ((-1,), "<f8"), ((2,), "|O"), ((4 * 10**8,), "<f8")],
)
def test_headers_that_claim_too_much_are_refused(tmp_path, shape, descr):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("means.npy", npy(shape, descr))
    with pytest.raises(IntegrityError, match="must be a whole file of arrays"):
        read_arrays(tmp_path / "a.npz")


def test_encrypted_archives_other_files_and_folders_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", one=np.arange(3))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[content.find(b"PK\x03\x04") + 6] |= 1
    content[content.find(b"PK\x01\x02") + 8] |= 1  # says that it is encrypted
    (tmp_path / "encrypted.npz").write_bytes(content)
    (tmp_path / "pickle.npz").write_bytes(b"\x80\x04.")
    (tmp_path / "json.npz").write_text(json.dumps({}))
    np.save(tmp_path / "array.npy", np.arange(3))
    for name in ("encrypted.npz", "pickle.npz", "json.npz", "array.npy", "none.npz", "."):
        with pytest.raises(IntegrityError, match="must be a whole file of arrays"):
            read_arrays(tmp_path / name)
