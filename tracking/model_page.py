"""The page of a cost model in MLflow: what it predicts, of which device, and how well."""

from __future__ import annotations

from archcost.models import CostModel, Manifest

SCORES = {
    "spearman": "Spearman's rank correlation",
    "kendall": "Kendall's rank correlation",
    "pearson": "Pearson's correlation",
    "rmse": "root mean squared error ({unit})",
    "mape": "mean absolute error (share of the cost)",
    "within_5_percent": "predictions within 5 % (share)",
    "within_10_percent": "predictions within 10 % (share)",
    "top_tenth_recall": "cheapest tenth found (share)",
    "left_out_spearman": "Spearman's rank correlation, each measurement predicted by the others",
    "left_out_within_10_percent": "within 10 % (share), each measurement predicted by the others",
}
"""Scores of a manifest, in words."""


def cost_in_words(manifest: Manifest) -> str:
    """Say what a model predicts, in a sentence.

    Examples
    --------
    >>> from archcost import load
    >>> print(cost_in_words(load("raspi4", space="nasbench201").manifest))
    Predicts the latency in ms of nasbench201 architectures (dataset cifar10) on raspi4.
    """
    key = manifest.key
    return (
        f"Predicts the {key.metric} in {key.unit} of {key.space} architectures "
        f"(dataset {key.dataset_name}) on {key.device}."
    )


def card_lines(manifest: Manifest) -> list[str]:
    """Return the device card in words, one fact a line."""
    card = manifest.device
    lines = [
        f"device: {card.name} ({card.kind})",
        f"with: {card.conditions}",
        f"costs by: {card.source}",
    ]
    return [*lines, f"note: {card.notes}"] if card.notes else lines


def protocol_in_words(manifest: Manifest) -> str:
    """Say which rows the scores of a model are on, and which it learned from in the end."""
    scores, n_train = manifest.scores, manifest.training.get("n_train")
    refitted = (
        f" The model then learned from all {n_train} rows."
        if scores.get("refitted_on_all_rows")
        else ""
    )
    if scores.get("split") == "leave-one-out":
        return f"Made of {n_train} measurements; each was predicted by the others.{refitted}"
    if "n_test" not in scores:
        return f"Learned from {n_train} rows."
    return (
        f"Scored on {scores['n_test']} rows held out ({scores.get('split')} split), after learning "
        f"from {scores.get('n_train')}.{refitted}"
    )


def score_rows(manifest: Manifest) -> list[tuple[str, float, str]]:
    """Return the scores in words, their values, and their 95 % intervals where there are any.

    Parameters
    ----------
    manifest : Manifest
        Of a model that was scored.

    Returns
    -------
    list of tuples of str, float and str
        In the order of `SCORES`.
    """
    rows = []
    for name, words in SCORES.items():
        value = manifest.scores.get(name)
        if isinstance(value, float):
            ends = [manifest.scores.get(f"{name}_{end}") for end in ("low", "high")]
            span = "" if None in ends else f"{ends[0]:.4g} to {ends[1]:.4g}"
            rows.append((words.format(unit=manifest.key.unit), value, span))
    return rows


def model_page(model: CostModel) -> str:
    """Return card, scores and units of a model as Markdown, for MLflow.

    Parameters
    ----------
    model : CostModel
        Any cost model.

    Returns
    -------
    str
        A few paragraphs, with how to ask the model.
    """
    manifest = model.manifest
    arch = str(model.space.n_archs // 2) if model.space.has_index else "ARCHITECTURE"
    lines = [cost_in_words(manifest), ""]
    lines += [f"- {line}" for line in card_lines(manifest)]
    lines += [f"- predictor: {manifest.predictor}", "", protocol_in_words(manifest), ""]
    scores = score_rows(manifest)
    if scores:
        lines += ["| score | value | 95 % interval |", "| --- | ---: | ---: |"]
        lines += [f"| {words} | {value:.4g} | {span} |" for words, value, span in scores]
        lines.append("")
    lines += [
        "Ask it, where this store is in use:",
        "",
        "```",
        f"archcost predict {arch} --device {manifest.key.device} --model models:/NAME@ALIAS",
        "```",
    ]
    return "\n".join(lines) + "\n"
