"""Search spaces: what can be chosen where, and the network that a choice describes."""

from archcost.spaces.any_network import AnyNetwork
from archcost.spaces.autoformer_tiny import AutoFormerTiny
from archcost.spaces.dataset import Dataset
from archcost.spaces.dialects import (
    from_fbnet,
    from_hpobench,
    from_naslib,
    from_nni,
    from_xautodl,
)
from archcost.spaces.fbnet import FBNet
from archcost.spaces.nasbench201 import NASBench201
from archcost.spaces.natsbench_size import NATSBenchSize
from archcost.spaces.ofa_mbv3 import OFAMobileNetV3
from archcost.spaces.space import SearchSpace
from archcost.spaces.spaces import SPACES, get_space, infer_space, known_spaces, register

__all__ = [
    "SPACES",
    "AnyNetwork",
    "AutoFormerTiny",
    "Dataset",
    "FBNet",
    "NASBench201",
    "NATSBenchSize",
    "OFAMobileNetV3",
    "SearchSpace",
    "from_fbnet",
    "from_hpobench",
    "from_naslib",
    "from_nni",
    "from_xautodl",
    "get_space",
    "infer_space",
    "known_spaces",
    "register",
]
