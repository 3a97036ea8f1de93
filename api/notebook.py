"""How objects show themselves in notebooks: a heading, facts, and a table of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

LONGEST_CELL = 200
"""Characters of a text that a cell shows; the rest of a longer one is left out."""


def card_html(
    title: str,
    facts: Mapping[str, object],
    columns: Sequence[str] = (),
    rows: Iterable[Sequence[object]] = (),
) -> str:
    """Return a card as HTML that needs no style sheet and runs no script.

    Parameters
    ----------
    title : str
        The heading.
    facts : mapping from str to object
        Label and value of each line; those whose value is None or ``""`` are left out.
    columns : sequence of str
        Headings of the table under the facts; no table if there are none.
    rows : iterable of sequence of object
        Its rows, one value a column. Numbers are aligned to the right.

    Returns
    -------
    str
        HTML in which every text is escaped.

    Examples
    --------
    >>> print(card_html("A & B", {"latency": "1 ms", "unknown": None}))
    <div><strong>A &amp; B</strong>
    <table><tbody>
    <tr><th style="text-align:left">latency</th><td style="text-align:left">1 ms</td></tr>
    </tbody></table></div>
    """
    lines = [f"<div><strong>{_text(title)}</strong>"]
    known = {label: value for label, value in facts.items() if value not in (None, "")}
    if known:
        body = (f"<tr>{_cell('th', label)}{_cell('td', known[label])}</tr>" for label in known)
        lines += ["<table><tbody>", *body, "</tbody></table>"]
    if columns:
        head = "".join(_cell("th", name) for name in columns)
        lines += [f"<table><thead><tr>{head}</tr></thead><tbody>"]
        lines += [f"<tr>{''.join(_cell('td', value) for value in row)}</tr>" for row in rows]
        lines += ["</tbody></table>"]
    return "\n".join(lines) + "</div>"


def _cell(kind: str, value: object) -> str:
    side = "right" if isinstance(value, (int, float)) else "left"
    return f'<{kind} style="text-align:{side}">{_text(value)}</{kind}>'


def _text(value: object) -> str:
    from html import escape  # `import archcost` needs none of its 2,231 entities

    if isinstance(value, float):
        text = f"{value:.4g}"
    elif isinstance(value, int):
        text = f"{value:,}"
    else:
        text = str(value)
    return escape(text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]} ...")
