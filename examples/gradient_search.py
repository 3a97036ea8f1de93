"""Gradient-based search on FBNet: the expected latency is part of the loss.

    python examples/gradient_search.py --device raspi4 --limit-ms 20

A softmax over each layer's blocks is a distribution over networks; `expected_cost` is its mean
latency, exact and differentiable, as ProxylessNAS and FBNet use it.

H. Cai, L. Zhu, S. Han, "ProxylessNAS", ICLR 2019; B. Wu et al., "FBNet", CVPR 2019.
"""

import argparse

import numpy as np
import torch

import archcost
from archcost.analysis import proxy_costs
from archcost.spaces import FBNet

SPACE = FBNet()


def block_worth():
    """Return what each block at each layer is worth: the logarithm of its FLOPs.

    A stand-in for the task loss of a supernet, whose gradients would take its place. The
    logarithm makes returns diminish, so that no layer swallows the whole budget.
    """
    skips = np.full((1, 22), SPACE.op_names.index("skip"), dtype=np.int8)
    networks = np.repeat(skips, 22 * 9, axis=0)
    networks[np.arange(22 * 9), np.repeat(np.arange(22), 9)] = np.tile(np.arange(9), 22)
    mflops = proxy_costs(SPACE, networks)["flops"] - proxy_costs(SPACE, skips)["flops"]
    return torch.tensor(np.log1p(mflops).reshape(22, 9), dtype=torch.float32)


def search(device, limit_ms, *, steps=400, seed=0, compute="cpu"):
    """Return a network within the limit: op ids that a distribution over them settled on.

    All tensors are where a supernet would be, at `compute`; expected costs are found there too.
    """
    model = archcost.load(device, space=SPACE)
    worth = block_worth().to(compute)
    generator = torch.Generator().manual_seed(seed)
    weights = (0.01 * torch.randn(22, 9, generator=generator)).to(compute).requires_grad_()
    optimiser = torch.optim.Adam([weights], lr=0.1)
    price, best, most = 0.0, None, -np.inf
    for step in range(steps):
        sharpness = 1 + 9 * step / steps  # from all blocks at once to one a layer
        probabilities = torch.softmax(sharpness * weights, dim=-1)
        latency_ms = model.expected_cost(probabilities)
        excess = latency_ms / limit_ms - 1
        loss = -(probabilities * worth).sum() / 22 + price * excess
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        price = max(0.0, price + 0.2 * float(excess.detach()))  # rises while over the limit
        ops = weights.argmax(dim=-1)
        value = float(worth.gather(1, ops[:, None]).sum())
        if value > most and model.predict(ops.tolist()) <= limit_ms:
            best, most = ops.tolist(), value
    return best


def main():
    """Read the command line, search and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="raspi4")
    parser.add_argument("--limit-ms", type=float, default=20.0)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--compute", default="cpu", help="where torch computes, such as cuda")
    arguments = parser.parse_args()
    ops = search(
        arguments.device, arguments.limit_ms, steps=arguments.steps, compute=arguments.compute
    )
    if ops is None:
        raise SystemExit("no network within the limit was found; raise it or take more steps")
    latency_ms = archcost.predict(ops, arguments.device, space=SPACE)
    print(f"{SPACE.format(ops)}\n{latency_ms:.2f} ms on {arguments.device}")


if __name__ == "__main__":
    main()
