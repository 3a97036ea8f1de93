"""A limit on the command line, such as ``raspi4=20``."""

from archcost.errors import ArchcostError


def parse_limit(text: str) -> tuple[str, float]:
    """Return the name and the value of a limit.

    Parameters
    ----------
    text : str
        ``NAME=VALUE``, such as ``raspi4=20``, ``edgegpu:energy=5`` or ``params=4e6``.

    Raises
    ------
    ArchcostError
        If it reads otherwise.

    Examples
    --------
    >>> parse_limit("edgegpu:energy=5")
    ('edgegpu:energy', 5.0)
    """
    name, _, number = text.partition("=")
    try:
        return name, float(number)
    except ValueError:
        raise ArchcostError(
            "--max must read DEVICE=VALUE, DEVICE:METRIC=VALUE or WORK=VALUE, such as "
            f"eyeriss:energy=5 or params=4e6, but got {text!r}"
        ) from None
