"""Search spaces: what can be chosen where, and the network that a choice describes."""

from archcost.spaces.dataset import Dataset
from archcost.spaces.fbnet import FBNet
from archcost.spaces.nasbench201 import NASBench201
from archcost.spaces.space import SearchSpace
from archcost.spaces.spaces import SPACES, get_space, infer_space, register

__all__ = [
    "SPACES",
    "Dataset",
    "FBNet",
    "NASBench201",
    "SearchSpace",
    "get_space",
    "infer_space",
    "register",
]
