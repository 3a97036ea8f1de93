"""What the kernels of a network ask of a device and cost there, evaluated by numpy alone."""

from archcost.kernels.kernel_arrays import KernelArrays
from archcost.kernels.kernel_sums import KernelSums
from archcost.kernels.layer_cost import LayerCost
from archcost.kernels.network_costs import NetworkCosts
from archcost.kernels.network_kernels import NetworkKernels

__all__ = ["KernelArrays", "KernelSums", "LayerCost", "NetworkCosts", "NetworkKernels"]
