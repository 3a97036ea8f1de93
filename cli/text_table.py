"""Tables on the terminal."""

from collections.abc import Sequence


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under a head, in columns: the first to the left, the others to the right.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : sequence of sequences of str
        One cell a column each.

    Returns
    -------
    str
        Lines without trailing blanks.

    Examples
    --------
    >>> print(text_table(["predictor", "Spearman"], [["xgboost", "0.98"], ["gp", "0.991"]]))
    predictor  Spearman
    xgboost        0.98
    gp            0.991
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for first, *others in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)
