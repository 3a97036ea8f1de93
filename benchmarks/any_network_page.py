"""Put the figures of ``any_network.py`` into ``docs/any-network.md``."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parent.parent / "docs" / "any-network.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
Rows = Mapping[str, Mapping[str, float]]
METHOD_NAMES = {
    "kernels": "kernels", "boosting": "LightGBM on four totals", "totals": "sum of four terms",
    "flops": "FLOPs",
}  # fmt: skip
WAYS = {
    "probes+real": "120 probes + 20 real networks",
    "probes+real+source": "120 probes + 20 real networks + other runtimes as sources",
    "few+source": "10 real networks + other runtimes as sources",
}


def values(rows: Rows, prefix: str, figure: str) -> list[float]:
    """Return a figure for each seed of a row that has it."""
    return [row[figure] for name, row in rows.items() if name.startswith(prefix) and figure in row]


def median(rows: Rows, prefix: str, figure: str) -> float:
    """Return the median of a figure over the seeds of a row, NaN if it is not computed."""
    found = values(rows, prefix, figure)
    return float(np.median(found)) if found else float("nan")


def spread(rows: Rows, prefix: str, figure: str, digits: int = 0) -> str:
    """Return the median of a figure in percent, with the least and the largest of the seeds."""
    found = values(rows, prefix, figure)
    if not found:
        return "-"
    low, middle, high = (
        f"{100 * x:.{digits}f}" for x in (min(found), np.median(found), max(found))
    )
    return f"{middle} % ({low} to {high})" if low != high else f"{middle} %"


def seeds(rows: Rows, prefix: str) -> int:
    """Return how many seeds or draws of a row are computed."""
    return sum(name.startswith(prefix) for name in rows)


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def percent(value: float) -> str:
    """Return a share in percent, a dash where there is none."""
    return "-" if np.isnan(value) else f"{100 * value:.0f} %"


def figures(rows: Rows) -> str:
    """Return the tables."""
    parts = []
    devices = list(dict.fromkeys(name.split("/")[1] for name in rows if name.startswith("fam")))
    lines = []
    for device in devices:
        for method, words in METHOD_NAMES.items():
            prefix = f"families/{device}/{method}/"
            if seeds(rows, prefix):
                lines.append([
                    f"`{device}`", words,
                    spread(rows, prefix, "mape", 1), spread(rows, prefix, "within_10"),
                    *(percent(median(rows, prefix, name)) for name in ("within_20", "pairs")),
                    spread(rows, prefix, "coverage"),
                    str(seeds(rows, prefix)),
                ])  # fmt: skip
    parts.append("Trained on the other families of the machine's own table (5 folds):\n")
    head = ["device", "method", "mean error", "within 10 %", "within 20 %", "pairs ordered",
            "in 90 % interval", "seeds"]  # fmt: skip
    parts.append(table(head, lines))
    lines = []
    for prefix in dict.fromkeys(name.rpartition("/")[0] for name in rows if name[:4] == "new/"):
        _, device, own = prefix.split("/")
        lines.append([
            f"`{device}`", "given" if own == "own" else "not given",
            spread(rows, prefix + "/", "median_error", 1),
            *(f"{100 * median(rows, prefix + '/', name):.1f} %" for name in
              ("median_error_totals", "median_error_flops")),
            spread(rows, prefix + "/", "coverage"), str(seeds(rows, prefix + "/")),
        ])  # fmt: skip
    parts.append(
        "\nA machine that is new, from ten random networks measured there; the networks asked for "
        'are of other families. "Given": they were measured on the source machines.\n'
    )
    head = ["new machine", "networks' times on the sources", "median error", "sum of four terms",
            "FLOPs", "in 90 % interval", "draws"]  # fmt: skip
    parts.append(table(head, lines))
    lines = []
    for prefix in dict.fromkeys(name.rpartition("/")[0] for name in rows if name[:4] == "cpu/"):
        _, device, way = prefix.split("/")
        lines.append([
            f"`{device}`", WAYS[way],
            spread(rows, prefix + "/", "within_10"),
            *(percent(median(rows, prefix + "/", name)) for name in ("within_20", "pairs")),
            spread(rows, prefix + "/", "coverage"),
            str(seeds(rows, prefix + "/")),
        ])  # fmt: skip
    if lines:
        parts.append("\nOne core of a server, published networks of families never seen:\n")
        head = ["device", "learned from", "within 10 %", "within 20 %", "pairs ordered",
                "in 90 % interval", "seeds"]  # fmt: skip
        parts.append(table(head, lines))
    if "reading" in rows:
        found = rows["reading"]
        parts.append(
            f"\n{found['networks']:.0f} networks of timm's tables ({found['models']:.0f} models) "
            f"are read; a prediction from kernels takes {found['ms_a_network']:.2f} ms of CPU "
            "time a network."
        )
    return "\n".join(parts)


def write_page(rows: Rows) -> None:
    """Replace the figures between the marks of the page."""
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{figures(rows)}\n\n{END}{after}")
