"""The layout of NAS-Bench-201's networks: what is the same whatever cell is chosen.

References
----------
X. Dong, Y. Yang, "NAS-Bench-201", ICLR 2020, figure 1.
"""

CELLS_PER_STAGE = 5
STAGE_CHANNELS = (16, 32, 64)
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""Source and target node of each edge, in the order of the published string."""

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
