"""SynFlow, a score of untrained networks: the stand-in for an accuracy in these examples.

Put your own in its place: trained accuracy, a supernet's, a learned predictor's.

H. Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic
flow", NeurIPS 2020; as a score of architectures: M. Abdelfattah et al., ICLR 2021.
"""

import math

import torch

from archcost.spaces import get_space


def synflow(arch, space="nasbench201", dataset=None, seed=0):
    """Return the logarithm of the flow through all weights; -69 where nothing flows."""
    space = get_space(space)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = space.network(arch, dataset).double()
    with torch.no_grad():
        for weight in network.parameters():
            weight.abs_()
    flow = network(torch.ones(1, *space.input_shape(dataset), dtype=torch.float64)).sum()
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    gradients = torch.autograd.grad(flow, weights, allow_unused=True)
    total = sum(
        float((weight * gradient).detach().abs().sum())
        for weight, gradient in zip(weights, gradients, strict=True)
        if gradient is not None
    )
    return math.log(total + 1e-30)
