"""What the site does beside MkDocs: pages of the root, and the reference of each package."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OF_ROOT = {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}
"""Pages whose text is a file beside the README, where people and forges look for it."""

EVERYTHING = re.compile(r"^\{\{ everything in ([\w.]+) \}\}$", re.MULTILINE)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the text of a page with what stands elsewhere put in."""
    name = OF_ROOT.get(page.file.src_uri)
    if name:
        text = (ROOT / name).read_text(encoding="utf-8")
        links = {f"]({target})": f"]({place})" for place, target in OF_ROOT.items()}
        for old, new in {**links, "](docs/": "]("}.items():
            text = text.replace(old, new)
        return text
    return EVERYTHING.sub(lambda found: _exported(found[1]), markdown)


def _exported(package: str) -> str:
    """Return a directive of mkdocstrings for each function and class that a package exports."""
    module = importlib.import_module(package)
    objects = {name: getattr(module, name) for name in module.__all__}
    homes = {
        name: getattr(found, "__module__", "")
        for name, found in objects.items()
        if callable(found) and hasattr(found, "__qualname__")
    }
    own = {
        name: home
        for name, home in homes.items()
        if home.startswith(package) or package == "archcost"
    }
    return "\n".join(f"::: {home}.{name}\n" for name, home in sorted(own.items()))
