"""Gaussian process on a sum of kernels over layerwise features."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from archcost.features.cost_drivers import counts_tell_work
from archcost.features.layerwise import LayerwiseFeatures
from archcost.predictors.base import CostPredictor, Floats
from archcost.predictors.cost_scale import SCALES, CostScale, ScaleName
from archcost.predictors.sum_kernel import JITTER, KernelKind, SumKernel
from archcost.spaces.space import Ops, SearchSpace

OPTIMISED_ROWS = 400
"""Rows on which the kernel's weights are found; more change them little."""
SCALE_ROWS = 200
"""Rows on which the scale of the costs is chosen."""
CHUNK = 2000
"""Rows predicted at a time; bounds memory."""

Block = tuple[KernelKind, tuple[str, ...]]

COMMON_BLOCKS: tuple[Block, ...] = (
    ("linear", ("ops",)),
    ("linear", ("op_counts",)),
    ("rbf", ("op_counts",)),
)
GRAPH_BLOCKS: tuple[Block, ...] = (
    ("linear", ("folded",)),
    ("rbf", ("folded",)),
    ("linear", ("live", "pruned")),
    ("rbf", ("live", "pruned")),
)
MERGED_BLOCKS: tuple[Block, ...] = (
    ("linear", ("distinct", "live_distinct")),
    ("rbf", ("live_distinct",)),
    ("linear", ("critical",)),
    ("rbf", ("ops",)),
)
"""Further blocks in graphs, which models saved without a list of their blocks lack."""
WORK_BLOCKS: tuple[Block, ...] = (
    ("linear", ("stage_work", "total_work")),
    ("rbf", ("stage_work", "total_work")),
)


class GPPredictor(CostPredictor):
    r"""Gaussian process whose kernel is a sum over blocks of layerwise features.

    .. math:: t(y) = f(x) + \epsilon, \quad f \sim GP(0, \textstyle\sum_b k_b(x_b, x'_b))

    Each block (op per position; op counts; in graphs what runs, what is live, what is distinct,
    and the longest paths; work by stage, unless op counts tell it) has a linear or an RBF kernel.
    Their weights and the noise maximise the marginal likelihood, and so does the scale :math:`t`
    of the costs.

    Parameters
    ----------
    scale : {"linear", "sqrt", "log"} or None, default=None
        Scale of the costs; None takes the likeliest.
    max_exact : int, default=2000
        Up to this many rows the process is exact.
    n_inducing : int, default=1000
        Beyond, the kernel is projected on this many of the rows (subset of regressors), while
        all rows still count.
    seed : int, default=0
        Fixes which rows the kernel's weights are found on and which are inducing.
    dataset : str or None, default=None
        Fixes the input size of the networks, and so their features; None is the space's default.

    References
    ----------
    C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006, chapters
    2, 5.4 and 8.3.
    """

    def __init__(
        self,
        scale: ScaleName | None = None,
        max_exact: int = 2000,
        n_inducing: int = 1000,
        seed: int = 0,
        dataset: str | None = None,
    ) -> None:
        super().__init__(seed, dataset)
        self.scale = scale
        self.max_exact = max_exact
        self.n_inducing = n_inducing

    def _bind(self, space: SearchSpace) -> None:
        super()._bind(space)
        self._use(self._blocks_of_space(GRAPH_BLOCKS + MERGED_BLOCKS))

    def _blocks_of_space(self, in_graphs: tuple[Block, ...]) -> tuple[Block, ...]:
        space = self.space_
        blocks = COMMON_BLOCKS + (in_graphs if space.edges is not None else ())
        if space.edges is None or not counts_tell_work(space, space.check_dataset(self.dataset)):
            blocks += WORK_BLOCKS
        return blocks

    def _use(self, blocks: tuple[Block, ...]) -> None:
        """Make the encoders of blocks."""
        self.names_ = tuple(" ".join((kind, *groups)) for kind, groups in blocks)
        self.kinds_ = tuple(kind for kind, _ in blocks)
        self.encoders_ = [
            LayerwiseFeatures(dataset=self.dataset, groups=groups).bind(self.space_)
            for _, groups in blocks
        ]

    def _fit(self, ops: Ops, cost: Floats) -> None:
        raw = [encoder.transform(ops) for encoder in self.encoders_]
        self.means_ = [block.mean(axis=0) for block in raw]
        self.spreads_ = [_spread(block) for block in raw]
        blocks = self._blocks(ops)
        rows = np.random.default_rng(self.seed).permutation(len(ops))
        self.scale_, kernel = self._choose_scale(blocks, cost, rows)
        target = self.scale_.forward(cost)
        some = rows[:OPTIMISED_ROWS]
        self.kernel_, _ = kernel.fit([block[some] for block in blocks], target[some])
        self.trained_ = ops
        self.root_: Floats | None = None
        if len(ops) <= self.max_exact:
            self.inducing_ = ops
            matrix = self.kernel_(blocks, blocks) + self.kernel_.noise * np.eye(len(target))
            self.weights_ = cho_solve(cho_factor(matrix, lower=True), target)
        else:
            self.inducing_ = ops[np.sort(rows[: self.n_inducing])]
            lower, posterior, right = self._project(blocks, target)
            solved = cho_solve(posterior, right) / self.kernel_.noise
            self.weights_ = solve_triangular(lower, solved, lower=True, trans="T")
        self.inducing_blocks_ = self._blocks(self.inducing_)

    def _choose_scale(
        self, blocks: list[Floats], cost: Floats, rows: npt.NDArray[np.int64]
    ) -> tuple[CostScale, SumKernel]:
        """Return the scale under which the costs are likeliest, and its kernel."""
        some = rows[:SCALE_ROWS]
        few = [block[some] for block in blocks]
        found = []
        for name in SCALES if self.scale is None else (self.scale,):
            scale = CostScale.fit(name, cost)
            kernel, loss = SumKernel.prior(self.kinds_).fit(few, scale.forward(cost[some]), 20)
            found.append((loss - scale.log_slope(cost[some]), scale, kernel))
        _, scale, kernel = min(found, key=lambda candidate: candidate[0])
        return scale, kernel

    def _project(
        self, blocks: list[Floats], target: Floats
    ) -> tuple[Floats, tuple[Any, bool], Floats]:
        """Project all rows on the inducing ones (subset of regressors).

        Returns the Cholesky factor of the inducing rows' kernel, that of the posterior precision,
        and the projected targets.
        """
        few = self._blocks(self.inducing_)
        inner = self.kernel_(few, few) + JITTER * 100 * np.eye(len(self.inducing_))
        lower = np.asarray(np.linalg.cholesky(inner), dtype=np.float64)
        gram, right = np.zeros_like(inner), np.zeros(len(inner))
        for start in range(0, len(target), CHUNK):
            part = slice(start, start + CHUNK)
            projected = solve_triangular(
                lower, self.kernel_(few, [block[part] for block in blocks]), lower=True
            )
            gram += projected @ projected.T
            right += projected @ target[part]
        posterior = cho_factor(np.eye(len(inner)) + gram / self.kernel_.noise, lower=True)
        return lower, posterior, right

    def _posterior_root(self) -> Floats:
        """Return the matrix that turns kernel values into the root of the variance explained.

        It follows from the training rows without their costs, so it is made when first asked for:
        a saved model holds the rows, which are a hundred times smaller.
        """
        root = self.root_
        if root is None:
            blocks, unit = self._blocks(self.trained_), np.eye(len(self.inducing_))
            if len(self.trained_) == len(self.inducing_):
                matrix = self.kernel_(blocks, blocks) + self.kernel_.noise * unit
                root = solve_triangular(np.linalg.cholesky(matrix), unit, lower=True)
            else:
                lower, posterior, _ = self._project(blocks, np.zeros(len(self.trained_)))
                values, vectors = np.linalg.eigh(unit - cho_solve(posterior, unit))
                inverse = solve_triangular(lower, unit, lower=True)
                root = (np.sqrt(np.maximum(values, 0))[:, None] * vectors.T) @ inverse
            self.root_ = root
        return root

    def _predict(self, ops: Ops, return_std: bool) -> tuple[Floats, Floats | None]:
        blocks = self._blocks(ops)
        mean = self.kernel_.combine(blocks, self.inducing_blocks_, self.weights_)
        cost = self.scale_.inverse(mean)
        if not return_std:
            return cost, None
        root, std = self._posterior_root(), np.empty(len(ops))
        for start in range(0, len(ops), CHUNK):
            part = [block[start : start + CHUNK] for block in blocks]
            explained = (self.kernel_(part, self.inducing_blocks_) @ root.T) ** 2
            variance = self.kernel_.diagonal(part) - explained.sum(axis=1)
            std[start : start + CHUNK] = np.sqrt(np.maximum(variance, 0.0) + self.kernel_.noise)
        return cost, self.scale_.spread(cost, std)

    def _blocks(self, ops: Ops) -> list[Floats]:
        """Return the standardised features of each block, divided by the root of their number."""
        return [
            (encoder.transform(ops) - mean) / spread
            for encoder, mean, spread in zip(
                self.encoders_, self.means_, self.spreads_, strict=True
            )
        ]

    def compiled(self) -> dict[str, npt.NDArray[Any]] | None:
        """Return the mean as a function of op ids, where the features are additive.

        Returns
        -------
        dict of str to numpy.ndarray, or None
            None in spaces whose features are not additive. Else ``kind`` (``gp``); ``table``
            (n_positions, n_ops) and ``intercept`` of the linear kernels; of each RBF kernel
            ``features_i`` (n_positions, n_ops, n_features) and ``start_i``, which sum to its
            input over the root of two and its length, and ``centres_i`` and ``weights_i`` of the
            inducing rows; ``scale_name`` and ``scale`` (shift, scale, floor).
        """
        tables = [encoder.table_ for encoder in self.encoders_ if encoder.table_ is not None]
        if len(tables) < len(self.encoders_):
            return None
        arrays: dict[str, npt.NDArray[Any]] = {"kind": np.array("gp"), **self.scale_.state()}
        table = np.zeros((self.space_.n_positions, self.space_.n_ops))
        intercept = float(self.weights_.sum())
        for block, kind in enumerate(self.kinds_):
            amplitude = np.exp(2 * self.kernel_.log_amplitude[block])
            added = tables[block] / self.spreads_[block]
            start = -self.means_[block] / self.spreads_[block]
            inducing = self.inducing_blocks_[block]
            if kind == "linear":
                slope = amplitude * (inducing.T @ self.weights_)
                table += added @ slope
                intercept += float(start @ slope)
                continue
            centres, place = np.unique(inducing, axis=0, return_inverse=True)
            unit = np.sqrt(2) * np.exp(self.kernel_.log_length[block])
            number = sum(name.startswith("weights_") for name in arrays)
            arrays[f"features_{number}"] = added / unit
            arrays[f"start_{number}"] = start / unit
            arrays[f"centres_{number}"] = centres / unit
            arrays[f"weights_{number}"] = amplitude * np.bincount(
                place.reshape(-1), self.weights_, len(centres)
            )
        return {**arrays, "table": table, "intercept": np.array(intercept)}

    def _state(self) -> dict[str, npt.NDArray[Any]]:
        return {
            **self.scale_.state(),
            "blocks": np.array(self.names_),
            "kernel": self.kernel_.parameters,
            "means": np.concatenate(self.means_),
            "spreads": np.concatenate(self.spreads_),
            "inducing": self.inducing_,
            "weights": self.weights_,
            "trained": self.trained_,
        }

    def _restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        self._use(
            tuple(map(_block, state["blocks"].tolist()))
            if "blocks" in state
            else self._blocks_of_space(GRAPH_BLOCKS)
        )
        self.scale_ = CostScale.restore(state)
        self.kernel_ = SumKernel.from_parameters(self.kinds_, state["kernel"])
        ends = np.cumsum([len(e.get_feature_names_out()) for e in self.encoders_])[:-1]
        self.means_ = np.split(state["means"], ends)
        self.spreads_ = np.split(state["spreads"], ends)
        self.inducing_, self.weights_ = state["inducing"], state["weights"]
        self.trained_, self.root_ = state["trained"], None
        self.inducing_blocks_ = self._blocks(self.inducing_)


def _block(name: str) -> Block:
    """Return the block of a name: its kind of kernel and its groups of features."""
    kind, *groups = name.split(" ")
    return ("linear" if kind == "linear" else "rbf"), tuple(groups)


def _spread(block: Floats) -> Floats:
    """Return what to divide a block's columns by so that distances do not grow with them."""
    spread = block.std(axis=0)
    return np.where(spread > 1e-9, spread, 1.0) * np.sqrt(block.shape[1])
