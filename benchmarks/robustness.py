"""Attack archcost at random, many times, and count what breaks a rule.

    python benchmarks/robustness.py                          run what is missing, then render
    python benchmarks/robustness.py kills --tries 20         one campaign, its first tries
    python benchmarks/robustness.py --again                  repeat the tries that found a fault
    python benchmarks/robustness.py --render                 render only

A campaign is a file ``robustness_<name>.py`` with ``attack(seed, folder)``: one try, fixed by its
seed, in a scratch folder that the tries share. It returns in a word or two how it ended
and raises ``FaultError`` where a rule is broken; any other exception is a fault as well. Results
are appended to ``results/robustness.jsonl``, one line a batch; what is there is not run again.
``docs/robustness.md`` is rendered from the file.
"""

import argparse
import json
import re
import tempfile
import time
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from robustness_report import render
from tqdm import tqdm

RESULTS = Path(__file__).parent / "results" / "robustness.jsonl"


class Campaign(NamedTuple):
    """How often to try what, and what must hold."""

    tries: int
    batch: int
    rule: str


CAMPAIGNS = {
    "inputs": Campaign(
        1_000_000, 10_000,
        "Architectures are given in odd forms and containers; one that can be told gets the cost "
        "of the same architecture as a plain list, anything else an error of archcost.",
    ),
    "tables": Campaign(
        10_000, 250,
        "Bytes, columns, cells and layout of cost tables are changed; a table is refused by an "
        "error of archcost, or read as what it says.",
    ),
    "model_mutations": Campaign(
        10_000, 100,
        "Bytes, files and fields of saved models are changed; a model is refused by an error of "
        "archcost, or answers as it answered before.",
    ),
    "kills": Campaign(
        200, 2,
        "A writing command is killed, terminated or interrupted at a random moment; the same "
        "command then succeeds, nothing half made is found, and no MLflow run stays open.",
    ),
    "concurrent": Campaign(
        20, 1,
        "Sixteen commands run at once in a fresh folder; all succeed, and all models predict.",
    ),
    "full_disk": Campaign(
        200, 2,
        "A writing command runs out of space; it ends with one clear line or goes on without what "
        "it could not write, old models stay whole, and with space again it succeeds.",
    ),
}  # fmt: skip
"""Every campaign; a new one is one file and one entry here."""


def read_results() -> list[dict[str, Any]]:
    """Return the results so far, one dict a batch."""
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text().splitlines() if line]


def run_batch(name: str, first: int, tries: int, folder: Path) -> dict[str, Any]:
    """Run some tries of a campaign in a scratch folder and return what came out."""
    attack = import_module(f"robustness_{name}").attack
    outcomes: Counter[str] = Counter()
    faults = {}
    start = time.monotonic()
    for seed in range(first, first + tries):
        try:
            outcomes[attack(seed, folder)] += 1
        except Exception as error:
            faults[str(seed)] = without_folders(f"{type(error).__name__}: {error}")[:500]
    seconds = round(time.monotonic() - start, 1)
    return {
        "campaign": name, "first": first, "tries": tries, "seconds": seconds,
        "outcomes": dict(sorted(outcomes.items())), "faults": faults,
    }  # fmt: skip


def without_folders(text: str) -> str:
    """Return a text in which files of this machine stand without their folders."""
    return re.sub(r"(?:/+[\w.+-]+){2,}", lambda found: Path(found[0]).name, text)


def missing(name: str, tries: int) -> list[tuple[int, int]]:
    """Return first seed and number of tries of the batches that were not run yet."""
    size = CAMPAIGNS[name].batch
    done = {row["first"] for row in read_results() if row["campaign"] == name}
    return [(first, size) for first in range(0, tries, size) if first not in done]


def faulty(name: str) -> list[tuple[int, int]]:
    """Return the tries that found a fault, each as a batch of its own."""
    rows = [row for row in read_results() if row["campaign"] == name]
    return [(seed, 1) for seed in sorted({int(seed) for row in rows for seed in row["faults"]})]


def main() -> None:
    """Run the campaigns and render their report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("campaigns", nargs="*", help=f"of {', '.join(CAMPAIGNS)} (default: all)")
    parser.add_argument("--tries", type=int, help="run the first so many tries only")
    parser.add_argument("--minutes", type=float, default=600.0, help="stop after this long")
    parser.add_argument("--again", action="store_true", help="repeat what found a fault")
    parser.add_argument("--render", action="store_true", help="render what there is and stop")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    for name in [] if options.render else options.campaigns or CAMPAIGNS:
        tries = options.tries or CAMPAIGNS[name].tries
        RESULTS.parent.mkdir(exist_ok=True)
        batches = faulty(name) if options.again else missing(name, tries)
        with tempfile.TemporaryDirectory(prefix="robustness-") as folder:
            for first, size in tqdm(batches, desc=name):
                if time.monotonic() > end:
                    break
                result = run_batch(name, first, size, Path(folder))
                with RESULTS.open("a") as file:
                    file.write(json.dumps(result) + "\n")
    render({name: campaign.rule for name, campaign in CAMPAIGNS.items()}, read_results())


if __name__ == "__main__":
    main()
