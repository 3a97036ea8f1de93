"""Encoders from architectures to inputs: one-hot ops, layerwise features, graphs of ops."""

from archcost.features.arch_encoder import ArchEncoder
from archcost.features.cost_drivers import CostDrivers
from archcost.features.layerwise import LayerwiseFeatures
from archcost.features.one_hot import OneHotOps
from archcost.features.op_graphs import OpGraphs
from archcost.plugins import find_class, register_class

__all__ = [
    "ENCODERS",
    "ArchEncoder",
    "CostDrivers",
    "LayerwiseFeatures",
    "OneHotOps",
    "OpGraphs",
    "get_encoder",
    "register",
]

ENCODERS: dict[str, type[ArchEncoder]] = {
    "graph": OpGraphs,
    "layerwise": LayerwiseFeatures,
    "one_hot": OneHotOps,
}
"""Every encoder by name; a new one is one file and one entry here."""


def get_encoder(encoder: str | type[ArchEncoder]) -> type[ArchEncoder]:
    """Return the encoder class of a name; a class is returned as it is.

    Parameters
    ----------
    encoder : str or class
        A name; a reference like ``"my_encoder.py:MyEncoder"``; the name of an entry point of the
        group ``archcost.encoders``; or a subclass of ``ArchEncoder``.

    Raises
    ------
    UnknownNameError
        If there is no encoder of that name.
    ArchcostError, MissingDataError
        If a file has no such encoder.
    """
    return find_class("encoder", encoder, ENCODERS, "archcost.encoders", ArchEncoder)


def register(name: str, encoder: type[ArchEncoder]) -> None:
    """Make an encoder known by a name in this process.

    Parameters
    ----------
    name : str
        By which it is asked for.
    encoder : class
        A subclass of ``ArchEncoder``.

    Raises
    ------
    ArchcostError
        If it is no encoder, or another one has the name.

    Examples
    --------
    >>> class Mine(ArchEncoder):
    ...     '''A new encoder.'''
    >>> register("mine", Mine)
    >>> ENCODERS.pop("mine") is Mine
    True
    """
    register_class("encoder", name, get_encoder(encoder), ENCODERS)
