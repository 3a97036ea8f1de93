"""The networks of the zoo by name."""

from __future__ import annotations

import re

from archcost.errors import ArchcostError, check_name
from archcost.networks.graph import Graph
from archcost.networks.graph_builder import GraphBuilder
from archcost.zoo import (
    convnext,
    densenet,
    efficientnet,
    ghostnet,
    mixer,
    mnasnet,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
    regnet,
    resnet,
    shufflenet_v2,
    squeezenet,
    swin_transformer,
    vgg,
    vision_transformer,
)
from archcost.zoo.blocks import ZooNetwork
from archcost.zoo.probe_networks import probe

NETWORKS: dict[str, ZooNetwork] = {
    **resnet.NETWORKS,
    **mobilenet_v1.NETWORKS,
    **mobilenet_v2.NETWORKS,
    **mobilenet_v3.NETWORKS,
    **efficientnet.NETWORKS,
    **mnasnet.NETWORKS,
    **ghostnet.NETWORKS,
    **shufflenet_v2.NETWORKS,
    **regnet.NETWORKS,
    **convnext.NETWORKS,
    **vision_transformer.NETWORKS,
    **swin_transformer.NETWORKS,
    **mixer.NETWORKS,
    **squeezenet.NETWORKS,
    **densenet.NETWORKS,
    **vgg.NETWORKS,
}
"""Every published network; a new one is one file and one entry here."""

MOST_DIGITS = 4
"""Of the side of an image in pixels; costs of longer ones would be made up."""

PROBE = re.compile(r"probe_(\d+)_(\d+)")
"""Names of probes: seed and number."""


def is_zoo_name(reference: str) -> bool:
    """Tell whether ``zoo_network`` knows the name in a reference such as ``resnet50@224``."""
    return reference.partition("@")[0] in NETWORKS or PROBE.fullmatch(reference) is not None


def zoo_network(reference: str, *, batch_size: int = 1) -> Graph:
    """Return a published network or a probe.

    Published networks are for the 1,000 classes of ImageNet; their names and numbers of parameters
    are those of timm or torchvision, which are not needed.

    Parameters
    ----------
    reference : str
        A name of ``NETWORKS``, and after an ``@`` the side of the image in pixels if it is not
        that which the network was published for; or a probe's name.
    batch_size : int, default=1
        Images at a time.

    Returns
    -------
    Graph
        With an image as its input.

    Raises
    ------
    UnknownNameError
        If there is no network of that name.
    ArchcostError
        If the network takes no image of that side.

    Examples
    --------
    >>> zoo_network("mobilenetv3_small_100@160")
    <Graph of 157 nodes: 1x3x160x160 -> 1x1000>
    """
    found = PROBE.fullmatch(reference)
    if found:
        seed, number = map(int, found.groups())
        return probe(number, seed, batch_size=batch_size)
    name, at, side = reference.partition("@")
    network = NETWORKS[check_name("network", name, NETWORKS)]
    if at and not (side.isdecimal() and len(side) <= MOST_DIGITS and int(side)):
        raise ArchcostError(
            f"after the @ of a network must stand the image's side in pixels, 1 to 9999, as in "
            f"'{name}@{network.side}', but got {reference!r}"
        )
    pixels = int(side) if at else network.side
    builder = GraphBuilder(batch_size)
    try:
        scores = network.describe(builder, builder.input((3, pixels, pixels)))
    except ArchcostError as error:
        raise ArchcostError(f"{name} cannot take an image of side {pixels}: {error}") from error
    return builder.graph(scores)
