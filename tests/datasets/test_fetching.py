import contextlib
import dataclasses
import hashlib
import http.server
import os
import shutil
import subprocess
import threading
import zipfile

import pytest

from archcost.datasets import SOURCES, data_folder, fetch
from archcost.datasets.fetching import digest_of, is_sound
from archcost.datasets.source import SourceFile
from archcost.datasets.source_hwnasbench import HWNASBENCH
from archcost.datasets.source_oneproxy import ONEPROXY
from archcost.errors import IntegrityError, MissingDataError


@pytest.fixture
def server(tmp_path):
    """Serve a folder, and count what is asked for."""
    root = tmp_path / "served"
    root.mkdir()
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(root))

        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{service.server_port}/", root, asked
        service.shutdown()
        thread.join()


def sha256(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def small_source(url, contents):
    files = tuple(SourceFile(path, f"data/{path}", sha256(data)) for path, data in contents.items())
    return dataclasses.replace(ONEPROXY, name="small", folder="small", base_url=url, files=files)


CONTENTS = {"LICENSE": b"MIT", "latency/a.pt": b"a" * 5000, "latency/b.pt": b"b" * 10}


def serve(root, contents=CONTENTS):
    for path, data in contents.items():
        place = root / "data" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


@pytest.fixture
def terminal(capsys, monkeypatch):
    """Let every step of a bar be written, as on a terminal."""
    monkeypatch.setattr("archcost.progress.LOG_EVERY_S", 0.0)
    return capsys


def test_files_are_downloaded_once_and_laid_out(server, tmp_path, terminal):
    url, root, asked = server
    serve(root)
    source = small_source(url, CONTENTS)
    folder = fetch(source, tmp_path / "cache")
    assert folder == tmp_path / "cache/small"
    assert {path: (folder / path).read_bytes() for path in CONTENTS} == CONTENTS
    assert "small: 100%" in terminal.readouterr().err
    assert fetch(source, tmp_path / "cache") == folder
    assert len(asked) == 3
    (folder / "latency/b.pt").write_bytes(b"changed")
    fetch(source, tmp_path / "cache", progress=False)
    assert asked[3:] == ["/data/latency/b.pt"]
    assert terminal.readouterr().err == ""
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == ["LICENSE", "a.pt", "b.pt"]


def test_a_single_file_has_a_bar_over_its_bytes(server, tmp_path, terminal):
    url, root, _ = server
    serve(root, {"one.pickle": b"x" * 10_000})
    fetch(small_source(url, {"one.pickle": b"x" * 10_000}), tmp_path)
    assert "10.0k/10.0k" in terminal.readouterr().err


def test_another_version_is_not_kept(server, tmp_path):
    url, root, _ = server
    serve(root, {**CONTENTS, "latency/a.pt": b"other"})
    with pytest.raises(IntegrityError, match=r"a\.pt must have the hash sha256:\w+, but .* has"):
        fetch(small_source(url, CONTENTS), tmp_path / "cache", progress=False)
    assert not (tmp_path / "cache/small/latency/a.pt").exists()
    assert (tmp_path / "cache/small/LICENSE").exists()


class Reply(http.server.BaseHTTPRequestHandler):
    """Answer as the path says."""

    def do_GET(self):
        how = self.path.split("/")[1]
        if how in ("ftp", "file", "nonsense", "loop", "unicode"):
            self.send_response(302)
            target = {
                "ftp": "ftp://127.0.0.1/x", "file": "file:///etc/passwd", "nonsense": "http://[::1",
                "loop": self.path, "unicode": "http://\u00ff.\u00ff/",
            }[how]  # fmt: skip
            self.send_header("Location", target)
            self.end_headers()
            return
        self.send_response(200)
        if how == "short":
            self.send_header("Content-Length", "100000")
        if how == "odd":
            self.send_header("Content-Length", "many")
        if how == "gzip":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        with contextlib.suppress(OSError):  # the reader has had enough
            for _ in range(2000 if how == "endless" else 1):
                self.wfile.write(b"x" * 1000)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("ftp", MissingDataError),
        ("file", MissingDataError),
        ("nonsense", MissingDataError),
        ("loop", MissingDataError),
        ("unicode", MissingDataError),
        ("short", MissingDataError),
        ("gzip", MissingDataError),
        ("endless", MissingDataError),
        ("odd", IntegrityError),
        ("plain", IntegrityError),
    ],
)
def test_a_reply_can_be_anything(tmp_path, monkeypatch, how, error):
    from archcost.datasets import fetching

    monkeypatch.setattr(fetching, "MAX_BYTES", 10**6)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Reply) as service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        try:
            source = small_source(f"http://127.0.0.1:{service.server_port}/{how}/", CONTENTS)
            with pytest.raises(error, match=r"cannot be downloaded|must have the hash"):
                fetch(source, tmp_path / "cache", progress=False)
        finally:
            service.shutdown()
            thread.join()
    assert not (tmp_path / "cache").exists()


def test_what_is_no_file_and_archives_that_are_none(tmp_path):
    source = small_source("http://127.0.0.1:9/", CONTENTS)
    os.mkfifo(tmp_path / "a.zip")
    with pytest.raises(MissingDataError, match="there is no file or folder"):
        fetch(source, tmp_path / "cache", from_file=tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("LICENSE", "MIT")
    content = bytearray((tmp_path / "b.zip").read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(IntegrityError, match="must be a whole zip archive without a password"):
        fetch(source, tmp_path / "cache", from_file=tmp_path / "b.zip")


def test_a_file_that_cannot_be_had_says_what_to_do(server, tmp_path):
    url, _, _ = server
    with pytest.raises(MissingDataError, match=r"404.*archcost data fetch small --from-file PATH"):
        fetch(small_source(url, CONTENTS), tmp_path, progress=False)


def test_without_a_network_what_is_here_is_used(tmp_path):
    source = small_source("http://127.0.0.1:9/", CONTENTS)  # nothing listens there
    with pytest.raises(MissingDataError, match="--from-file"):
        fetch(source, tmp_path, progress=False)
    serve(tmp_path / "clone")
    fetch(source, tmp_path, from_file=tmp_path / "clone")
    assert is_sound(fetch(source, tmp_path) / "LICENSE", sha256(b"MIT"))


def test_files_are_taken_from_clone_archive_or_data_folder(tmp_path):
    source = small_source("http://127.0.0.1:9/", CONTENTS)
    serve(tmp_path / "clone/small-main")
    with zipfile.ZipFile(tmp_path / "small.zip", "w") as archive:
        for file in (tmp_path / "clone").rglob("*"):
            archive.write(file, file.relative_to(tmp_path / "clone"))
    first = fetch(source, tmp_path / "one", from_file=tmp_path / "small.zip")
    second = fetch(source, tmp_path / "two", from_file=tmp_path / "clone")
    third = fetch(source, tmp_path / "three", from_file=tmp_path / "two")
    for folder in (first, second, third):
        assert {path: (folder / path).read_bytes() for path in CONTENTS} == CONTENTS


def test_what_is_not_there_to_take_is_named(tmp_path):
    source = small_source("http://127.0.0.1:9/", CONTENTS)
    with pytest.raises(MissingDataError, match="no file or folder"):
        fetch(source, tmp_path / "cache", from_file=tmp_path / "none")
    serve(tmp_path / "clone", {"LICENSE": b"MIT"})
    with pytest.raises(MissingDataError, match=r"must hold data/latency/a\.pt"):
        fetch(source, tmp_path / "cache", from_file=tmp_path / "clone")
    with pytest.raises(MissingDataError, match="has 3 files; give a folder or zip"):
        fetch(source, tmp_path / "cache", from_file=tmp_path / "clone/data/LICENSE")


def test_the_official_pickle_is_known_by_its_git_blob(tmp_path):
    data = b"the pickle"
    origin = tmp_path / "elsewhere.pickle"
    origin.write_bytes(data)
    blob = digest_of(origin, "gitblob")
    if shutil.which("git"):
        told = subprocess.run(
            ["git", "hash-object", "--no-filters", origin],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert blob == f"gitblob:{told.stdout.strip()}"
    (file,) = HWNASBENCH.files
    source = dataclasses.replace(HWNASBENCH, files=(dataclasses.replace(file, digest=blob),))
    assert (fetch(source, tmp_path, from_file=origin) / file.path).read_bytes() == data
    with pytest.raises(IntegrityError, match="gitblob:b0634cb7f6e7be07192c77833df9eafa4baf705e"):
        fetch(HWNASBENCH, tmp_path / "other", from_file=origin)


def test_the_pins_are_those_of_the_published_files(real_tables):
    for name in ("help", "oneproxy"):
        for file in SOURCES[name].files:
            assert is_sound(real_tables / SOURCES[name].folder / file.path, file.digest)


def test_a_complete_folder_needs_no_network(real_tables):
    unreachable = dataclasses.replace(SOURCES["oneproxy"], base_url="http://127.0.0.1:9/")
    assert fetch(unreachable, real_tables) == real_tables / "oneproxy"


def test_the_data_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("ARCHCOST_DATA_DIR", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.delenv("ARCHCOST_DATA_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert data_folder().name == "data"
    assert data_folder().parent.name == "archcost"
