"""Pages appear whole or not at all."""

from pathlib import Path

import pytest

from archcost.analysis.web_page import write_html


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    page = tmp_path / "page.html"
    page.write_text("old")
    with monkeypatch.context() as patched:

        def half(self, text, encoding):
            with self.open("w", encoding=encoding) as file:
                file.write(text[:10])
            raise OSError(28, "No space left on device")

        patched.setattr(Path, "write_text", half)
        with pytest.raises(OSError, match="No space left"):
            write_html(page, "page.html", title="Costs", charts={})
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert page.read_text() == "old"
