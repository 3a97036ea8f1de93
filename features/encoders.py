"""The encoders by name."""

from archcost.features.arch_encoder import ArchEncoder
from archcost.features.layerwise import LayerwiseFeatures
from archcost.features.one_hot import OneHotOps
from archcost.features.op_graphs import OpGraphs

ENCODERS: dict[str, type[ArchEncoder]] = {
    "graph": OpGraphs,
    "layerwise": LayerwiseFeatures,
    "one_hot": OneHotOps,
}
"""Every encoder; a new one is one file and one entry here."""
