"""Render ``docs/robustness.md`` from the lines of the robustness campaigns."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "robustness.md"

INTRO = """\
# Robustness

Written by `python benchmarks/robustness.py`. Each try is fixed by its seed: `attack(seed, folder)`
in `benchmarks/robustness_<campaign>.py` does it again. A fault is a broken rule or an exception
that is none of archcost's own; it is left until the same try, repeated with `--again` after a
mend, ends well.
"""


def render(rules: Mapping[str, str], rows: Iterable[dict[str, Any]]) -> None:
    """Write the page from the rule of each campaign and the results of all batches."""
    rows = list(rows)
    lines = [INTRO, "| campaign | tries | ended | faults found | faults left | time |"]
    lines.append("|---|---|---|---|---|---|")
    left_over = []
    for name in rules:
        batches = [row for row in rows if row["campaign"] == name]
        latest: dict[int, str | None] = {}
        outcomes: Counter[str] = Counter()
        for row in batches:
            outcomes.update(row["outcomes"])
            seeds = range(row["first"], row["first"] + row["tries"])
            latest.update({seed: row["faults"].get(str(seed)) for seed in seeds})
        found = {seed for row in batches for seed in row["faults"]}
        left = {seed: fault for seed, fault in latest.items() if fault is not None}
        ended = ", ".join(f"{word} {count:,}" for word, count in outcomes.most_common())
        minutes = sum(row["seconds"] for row in batches) / 60
        lines.append(
            f"| {name} | {len(latest):,} | {ended} | {len(found)} | {len(left)} | "
            f"{minutes:.0f} min |"
        )
        left_over += [f"- {name}, seed {seed}: {fault}" for seed, fault in sorted(left.items())]
    lines += ["", "## What must hold", ""]
    lines += [f"- **{name}**: {rule}" for name, rule in rules.items()]
    if left_over:
        lines += ["", "## Faults left", "", *left_over]
    PAGE.write_text("\n".join(lines) + "\n")
