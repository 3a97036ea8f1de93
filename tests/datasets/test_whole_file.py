"""Files that appear whole or not at all, also after a kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archcost.datasets.whole_file import whole_file

WRITER = """
import sys, time
from pathlib import Path
from archcost.datasets.whole_file import whole_file
with whole_file(Path(sys.argv[1])) as part:
    part.write_text("half")
    print(part, flush=True)
    time.sleep(60)
"""


def write(path, text):
    with whole_file(path) as part:
        part.write_text(text)


def test_it_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a folder" / "t.txt"
    write(path, "one")
    with pytest.raises(OSError, match="disk full"), whole_file(path) as part:
        part.write_text("half")
        raise OSError("disk full")
    assert path.read_text() == "one"
    assert [file.name for file in path.parent.iterdir()] == ["t.txt"]
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_what_a_killed_process_left_is_removed_and_a_living_ones_is_not(tmp_path):
    path = tmp_path / "t.txt"
    (tmp_path / f".t.txt.{2**22}.part").write_text("of an older version")
    (tmp_path / ".other.txt.1.part").write_text("of another file")
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        part = Path(process.stdout.readline().strip())
        write(path, "one")
        assert part.exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert part.exists()
    write(path, "two")
    assert sorted(file.name for file in tmp_path.iterdir()) == [".other.txt.1.part", "t.txt"]
    assert path.read_text() == "two"


def test_many_writers_of_one_file(tmp_path):
    path = tmp_path / "t.txt"
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from archcost.datasets.whole_file import whole_file\n"
        "for n in range(200):\n"
        "    with whole_file(Path(sys.argv[1])) as part:\n"
        "        part.write_text(sys.argv[2] * 1000)\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(path), letter]) for letter in "abc"
    ]
    while any(process.poll() is None for process in processes):
        if path.exists():
            text = path.read_text()
            assert len(text) == 1000 and len(set(text)) == 1
        time.sleep(0.01)
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert [file.name for file in tmp_path.iterdir()] == ["t.txt"]
