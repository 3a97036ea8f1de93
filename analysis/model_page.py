"""The facts of a cost model as a page and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from archcost.analysis.charts import residual_chart
from archcost.analysis.model_facts import NOT_KEPT, ModelFacts
from archcost.analysis.web_page import write_html
from archcost.models import Manifest
from archcost.tracking.model_page import cost_in_words, protocol_in_words, score_rows


def write_model_page(facts: ModelFacts, folder: Path) -> Path:
    """Write the page of a model, an HTML file that needs no other.

    Parameters
    ----------
    facts : ModelFacts
        As `model_facts` returns them.
    folder : Path
        Where it goes, made if it is not there.

    Returns
    -------
    Path
        The file, named after the model's key.
    """
    manifest, errors = facts.manifest, facts.errors
    charts = {}
    if errors is not None:
        kept = errors.held_out
        charts["residuals"] = residual_chart(
            kept.archs, kept.truth, kept.predicted, kept.stds, manifest.key
        )
    return write_html(
        folder / f"{manifest.key}.html",
        "model.html",
        title=str(manifest.key),
        about=cost_in_words(manifest),
        card=card_rows(manifest),
        protocol=protocol_in_words(manifest),
        scores=score_rows(manifest),
        errors=errors,
        unit=manifest.key.unit,
        not_kept=NOT_KEPT,
        drivers=facts.drivers,
        nearest=facts.nearest,
        origin=origin_rows(manifest),
        charts=charts,
    )


def model_text(facts: ModelFacts) -> str:
    """Return the facts of a model in some twenty lines for the terminal."""
    manifest, errors = facts.manifest, facts.errors
    lines = [str(manifest.key), f"  {cost_in_words(manifest)}"]
    lines += [f"  {name}: {value}" for name, value in card_rows(manifest)]
    lines += ["", "scores", f"  {protocol_in_words(manifest)}"]
    for words, value, span in score_rows(manifest):
        lines.append(f"  {words}: {value:.4g}" + (f" ({span})" if span else ""))
    lines += ["", "errors and calibration"]
    if errors is None:
        lines.append(f"  {NOT_KEPT}")
    else:
        lines.append(f"  of {len(errors.held_out.archs)} {errors.rows}:")
        lines.append(
            f"  median error {errors.median:.1%}, largest {errors.largest:.0%}, mean "
            f"{errors.bias:+.1%}"
        )
        lines += [f"  {name}: median error {value:.1%}" for name, value in errors.by_cost.items()]
        lines += [
            f"  {share:.1%} of the true costs are within the {level:.0%} intervals"
            for level, share in errors.calibration.items()
        ]
    if facts.drivers:
        lines += ["", "what drives the cost (share of the variance; overlapping)"]
        lines += [f"  {name}: {share:.0%}" for name, share in facts.drivers.items()]
    if facts.nearest:
        lines += ["", "nearest devices (rank correlation of predicted costs)"]
        lines += [f"  {name}: {value:.3f}" for name, value in facts.nearest]
    lines += ["", "who measured what"]
    lines += [f"  {name}: {value}" for name, value in origin_rows(manifest)]
    return "\n".join(lines)


def card_rows(manifest: Manifest) -> list[tuple[str, Any]]:
    """Return the device card as names and values."""
    card = manifest.device
    rows = [
        ("device", card.name),
        ("costs are", card.kind),
        ("runtime", card.runtime),
        ("precision", card.precision),
        ("batch size", card.batch_size),
        ("threads", card.threads),
        ("notes", card.notes),
    ]
    return [(name, value) for name, value in rows if value]


def origin_rows(manifest: Manifest) -> list[tuple[str, Any]]:
    """Return who measured what: source, rows, provenance, versions, as names and values."""
    training = manifest.training
    params = ", ".join(f"{name}={value}" for name, value in manifest.params.items())
    rows: list[tuple[str, Any]] = [
        ("costs by", manifest.device.source),
        ("rows learned from", training.get("n_train")),
        ("rows without a cost", training.get("n_without_cost")),
        ("known devices learned from", ", ".join(training.get("sources", []))),
        ("hash of the table", training.get("table_sha256")),
        *_flat(training.get("provenance") or {}),
        ("predictor", manifest.predictor + (f" ({params})" if params else "")),
        ("made with", ", ".join(f"{name} {v}" for name, v in manifest.versions.items())),
    ]
    return [(name, value) for name, value in rows if value not in (None, "", [], {})]


def _flat(value: Mapping[str, Any] | Sequence[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what nested provenance holds, each with its path."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value, 1)
    for name, part in items:
        path = f"{prefix}{name}".replace("_", " ")
        if isinstance(part, Mapping) or (isinstance(part, list) and part):
            yield from _flat(part, f"{path} ")
        else:
            yield path, part
