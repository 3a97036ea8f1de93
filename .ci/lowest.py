"""Print the lowest versions that ``pyproject.toml`` declares, as constraints for pip.

    python .ci/lowest.py > lowest.txt

Left out is what ``constraints.txt`` pins: torch, of which there is a CPU build of one version.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXTRAS = ("completion", "measure", "search")
"""Optional packages that the lowest versions are tried of, beside all that are no option."""


def lowest() -> list[str]:
    """Return one line ``name==version`` a requirement."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    options = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(one for extra in EXTRAS for one in options[extra])]
    wanted += [one for one in options["test"] if one.startswith(("pytest>", "hypothesis"))]
    pinned = re.findall(r"^([\w-]+)==", (ROOT / "constraints.txt").read_text(), re.M)
    pairs = [re.fullmatch(r"([\w-]+)>=([\d.]+)", one) for one in wanted]
    return sorted({f"{pair[1]}=={pair[2]}" for pair in pairs if pair and pair[1] not in pinned})


if __name__ == "__main__":
    print("\n".join(lowest()))
