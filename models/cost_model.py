"""A cost model: a fitted predictor bound to one space, device, metric and dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import numpy as np
import numpy.typing as npt

from archcost.datasets import CostKey, DeviceCard
from archcost.datasets.array_file import read_arrays
from archcost.errors import (
    ArchcostError,
    ArchitectureError,
    IntegrityError,
    MissingDataError,
    check_name,
    check_number,
    check_type,
)
from archcost.models.chunks import Costs
from archcost.models.compiled import Arrays, CompiledForm
from archcost.models.held_out import HELD_OUT, HeldOut
from archcost.models.intervals import cost_interval
from archcost.models.manifest import Manifest, check_files, check_folder_name, file_hash
from archcost.models.model_folder import save_model, was_replaced
from archcost.models.store import LOADED
from archcost.models.table_form import TableForm, can_be_tabulated
from archcost.models.tensor_prediction import is_tensor, predict_tensor
from archcost.networks.graph import Graph
from archcost.notebook import card_html
from archcost.spaces import SearchSpace, get_space
from archcost.spaces.architecture_types import Architectures, OneArchitecture
from archcost.spaces.space import Ops

if TYPE_CHECKING:
    from torch import Tensor

    from archcost.kernels import LayerCost, NetworkCosts
    from archcost.predictors import CostPredictor

COMPILED = "compiled.npz"

OF_KERNELS = "kernels"
"""The predictor whose weights are prices of kernels, which numpy alone evaluates."""


class CostModel:
    """Predict one cost of architectures on one device.

    Parameters
    ----------
    predictor : CostPredictor
        A fitted predictor.
    manifest : Manifest
        What it is for and where it comes from.
    held_out : HeldOut, optional
        Predictions of rows that it had not learned from.

    Notes
    -----
    Predictions come from the compiled form where there is one (see `compile`), so that the
    predictor and its library are loaded only when something else asks for them.
    """

    def __init__(
        self,
        predictor: CostPredictor | None,
        manifest: Manifest,
        held_out: HeldOut | None = None,
    ) -> None:
        self._predictor = predictor
        self._held_out = held_out
        self._form: CompiledForm | None = None
        self._network_costs: NetworkCosts | None = None
        self._folder: Path | None = None
        self.manifest = manifest
        self.space: SearchSpace = get_space(manifest.key.space)

    @property
    def key(self) -> CostKey:
        """Space, device, metric and dataset."""
        return self.manifest.key

    @property
    def device(self) -> DeviceCard:
        """The card of the device."""
        return self.manifest.device

    @property
    def unit(self) -> str:
        """``"ms"`` or ``"mJ"``."""
        return self.key.unit

    @property
    def predictor(self) -> CostPredictor:
        """The fitted predictor, loaded from the model's folder on first use."""
        if self._predictor is None:
            self._predictor = self._load_predictor()
        return self._predictor

    @property
    def network_costs(self) -> NetworkCosts:
        """What is known of any networks, evaluated without the predictor and its libraries.

        Raises
        ------
        ArchcostError
            If the model is not of the predictor that sums over kernels.
        """
        if self._network_costs is None:
            if self._predictor is None and self.manifest.predictor == OF_KERNELS:
                self._network_costs = self._load_network_costs()
            else:
                self._network_costs = getattr(self.predictor, "network_costs", None)
        if self._network_costs is None:
            raise ArchcostError(
                f"costs of layers must come from a model that sums over kernels, but {self.key} is "
                f"of the predictor {self.manifest.predictor!r}; train one with the predictor "
                "'kernels'"
            )
        return self._network_costs

    @property
    def held_out(self) -> HeldOut | None:
        """Predictions of held-out rows from before any refit; None if they were not kept."""
        files = self.manifest.files
        if self._held_out is None and self._folder is not None and HELD_OUT in files:
            check_files(self._folder, {HELD_OUT: files[HELD_OUT]})  # it may have changed since
            self._held_out = HeldOut.read(self._folder)
        return self._held_out

    @overload
    def predict(
        self, archs: Tensor, *, return_std: Literal[False] = False, extrapolate: bool = False
    ) -> Tensor: ...
    @overload
    def predict(
        self, archs: Tensor, *, return_std: Literal[True], extrapolate: bool = False
    ) -> tuple[Tensor, Tensor]: ...
    @overload
    def predict(
        self,
        archs: OneArchitecture,
        *,
        return_std: Literal[False] = False,
        extrapolate: bool = False,
    ) -> float: ...
    @overload
    def predict(
        self, archs: OneArchitecture, *, return_std: Literal[True], extrapolate: bool = False
    ) -> tuple[float, float]: ...
    @overload
    def predict(
        self, archs: Architectures, *, return_std: Literal[False] = False, extrapolate: bool = False
    ) -> Costs: ...
    @overload
    def predict(
        self, archs: Architectures, *, return_std: Literal[True], extrapolate: bool = False
    ) -> tuple[Costs, Costs]: ...
    @overload
    def predict(
        self, archs: object, *, return_std: Literal[False] = False, extrapolate: bool = False
    ) -> Costs | Any: ...
    @overload
    def predict(
        self, archs: object, *, return_std: bool = False, extrapolate: bool = False
    ) -> Any: ...
    def predict(
        self, archs: object, *, return_std: bool = False, extrapolate: bool = False
    ) -> float | Costs | Tensor | tuple[float, float] | tuple[Costs, Costs] | tuple[Tensor, Tensor]:
        """Predict the cost of one architecture or of several.

        Parameters
        ----------
        archs : architecture, sequence of architectures, or array (n_archs, n_positions)
            In any form that the space accepts; or a torch tensor of op ids.
        return_std : bool, default=False
            Also return standard deviations.
        extrapolate : bool, default=False
            Of a model of any networks: predict those that its measurements hardly cover, too.

        Returns
        -------
        float, numpy.ndarray of float64, shape (n_archs,), or torch.Tensor
            Costs in ms or mJ (``unit``): a float for one architecture, an array for several, and
            of a tensor a tensor on its device; with `return_std` a pair (mean, std) of such.

        Raises
        ------
        ArchitectureError
            If an architecture is malformed.
        ArchcostError
            If a network has ops or a batch size that no measurement covers, unless `extrapolate`.

        Examples
        --------
        >>> import archcost
        >>> model = archcost.load("raspi4", space="nasbench201")
        >>> type(model.predict(1462)), model.predict([[0] * 6, [3] * 6]).shape
        (<class 'float'>, (2,))
        """
        if self._form is not None and not return_std and self._is_plainly_single(archs):
            return self._form(archs)  # the short way of search loops
        if self.space.is_open:
            return self._predict_networks(archs, return_std, extrapolate)
        if is_tensor(archs):
            return predict_tensor(self, archs, return_std=return_std)
        single = self.space.is_single(archs)
        parse = self.space.parse if single else self.space.parse_many
        ops = np.atleast_2d(parse(archs, self.key.dataset))
        means, stds = self._predict_ops(ops, return_std)
        if single:
            return (float(means[0]), float(stds[0])) if return_std else float(means[0])
        return (means, stds) if return_std else means

    def predict_index(self, indices: npt.ArrayLike) -> Costs:
        """Predict costs of architectures by their published indices.

        Parameters
        ----------
        indices : array of int, shape (n_archs,)
            Published indices, such as 0 to 15,624 in NAS-Bench-201.

        Returns
        -------
        numpy.ndarray of float64, shape (n_archs,)
            Costs in ms or mJ.

        Raises
        ------
        ArchitectureError
            If the space has no published indices, or an index is out of range.
        """
        if not self.space.has_index:
            raise ArchitectureError(
                f"indices must be of a space that publishes them, but this model is of "
                f"{self.space.name}, which has none; use predict"
            )
        form = self.compile()
        if isinstance(form, TableForm) and not self.space.has_rules:
            return form.predict_index(indices)
        rows = [self.space.parse(index) for index in np.asarray(indices).tolist()]
        return self._predict_ops(np.reshape(rows, (-1, self.space.n_positions)), False)[0]

    def predict_interval(
        self, archs: object, level: float = 0.9, *, extrapolate: bool = False
    ) -> Costs:
        """Predict intervals that hold the true cost with probability `level`.

        The interval is that of the log-normal distribution with the predicted mean and standard
        deviation, so it never reaches zero.

        Parameters
        ----------
        archs : architecture, sequence of architectures, or array (n_archs, n_positions)
            In any form that the space accepts.
        level : float, default=0.9
            Probability, between 0 and 1.
        extrapolate : bool, default=False
            As for `predict`.

        Returns
        -------
        numpy.ndarray of float64, shape (n_archs, 2) or (2,)
            Lower and upper bounds in ms or mJ.

        Raises
        ------
        ArchcostError
            If `level` is not between 0 and 1.

        Examples
        --------
        >>> import archcost
        >>> low, high = archcost.load("raspi4", space="nasbench201").predict_interval(1462)
        >>> float(low) < 97.9 < float(high)
        True
        """
        if not 0 < check_number("level", level) < 1:
            raise ArchcostError(f"level must be between 0 and 1, such as 0.9, but got {level!r}")
        means, stds = self.predict(archs, return_std=True, extrapolate=extrapolate)
        return cost_interval(means, stds, level)

    def layer_costs(self, arch: object) -> list[LayerCost]:
        """Return the cost of each kernel that the device executes for a network.

        Parameters
        ----------
        arch : architecture
            In any form that the space accepts; in the space of all networks a graph, a path or a
            reference.

        Returns
        -------
        list of LayerCost
            In order of execution; their costs sum to the prediction.

        Raises
        ------
        ArchcostError
            If the model is not of the predictor that sums over kernels.
        """
        return self.network_costs.kernels.layer_costs(self._network(arch))

    def unmeasured(self, arch: object) -> dict[str, float]:
        """Return the ops of a network that no measurement covers, with their share of the cost."""
        return self.network_costs.kernels.unmeasured(self._network(arch))

    def expected_cost(self, probabilities: Any) -> Any:
        r"""Return the mean cost of architectures whose ops are drawn independently.

        .. math:: E[y] = \sum_a y(a) \prod_p P_{p, a_p}

        Parameters
        ----------
        probabilities : torch.Tensor or array, shape (..., n_positions, n_ops)
            Probability of each op at each position, such as a softmax over architecture weights.

        Returns
        -------
        torch.Tensor or numpy.ndarray, shape (...)
            Expected costs in ms or mJ, exact; of a tensor a tensor, differentiable.

        Raises
        ------
        ArchitectureError
            If the shape is wrong, or probabilities do not sum to one at a position.
        ArchcostError
            If the model is neither additive nor a table of its whole space, or not every
            combination of ops is valid.
        """
        from archcost.models.expectation import expected_cost

        return expected_cost(self.compile(), self.space, probabilities)

    def compile(self) -> CompiledForm | None:
        """Return the form that numpy alone evaluates, or None if the predictor has none.

        On a small space, such as NAS-Bench-201, every predictor has one: a table of its answers.
        The form is made once and used by all predictions from then on.

        Returns
        -------
        CompiledForm or None
            Callable with one architecture; `predict` and `std` take op ids.
        """
        if self._form is None and not self.space.is_open:  # networks have no op ids
            if can_be_tabulated(self.space):
                means, stds = self.predictor.predict(self.space.all_ops, return_std=True)
                self._form = TableForm(self.space, means, stds)
            else:
                arrays = self.predictor.compiled()
                if arrays is not None:
                    kind = str(arrays.pop("kind"))
                    self._form = _form(kind, self.space, arrays)
        return self._form

    def save(self, folder: str | Path) -> Path:
        """Write the model to a folder: manifest, weights in open formats, compiled form.

        An existing model at `folder` is replaced only when the new one is complete.

        Returns
        -------
        pathlib.Path
            The folder.

        Raises
        ------
        FileExistsError
            If `folder` exists and is not a saved model.
        IntegrityError
            If `folder` bears the name of another model's key, or a cost is not positive.
        """
        folder = Path(folder)
        check_folder_name(folder, self.key)
        save_model(folder, self._write)
        LOADED.clear()  # it may hold what this one replaces
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model from a folder; never runs code from it.

        Raises
        ------
        MissingDataError
            If there is no model.
        IntegrityError
            If a file was changed, is missing or does not fit this version, or if the folder bears
            the name of another model.
        """
        check_type("folder", folder, (str, PathLike), "the path of a saved model's folder")
        folder = Path(folder)
        while True:
            manifest = Manifest.read(folder)
            try:
                return cls._load_files(folder, manifest)
            except (ArchcostError, OSError):
                if not was_replaced(folder, manifest):  # by another process, while we read it
                    raise

    @classmethod
    def _load_files(cls, folder: Path, manifest: Manifest) -> Self:
        place = folder / manifest.contents
        check_files(place, manifest.files)
        model = cls(None, manifest)
        model._folder = place
        if manifest.compiled is None and COMPILED in manifest.files:
            raise IntegrityError(
                f"the manifest of {folder} must say of which kind its {COMPILED} is, but does not; "
                "save or install the model again"
            )
        if manifest.compiled is not None:
            from archcost.models import FORMS

            with _damage_named(place / COMPILED):
                check_name("compiled form", manifest.compiled, FORMS)
                check_name("compiled file", COMPILED, manifest.files)
                form = _form(manifest.compiled, model.space, read_arrays(place / COMPILED))
                _check_form(form, model.space)
            model._form = form
        return model

    def _load_predictor(self) -> CostPredictor:
        from archcost.predictors import get_predictor

        assert self._folder is not None, "a model has a predictor or a folder"
        try:
            kind = get_predictor(self.manifest.predictor)
        except ArchcostError as error:
            raise MissingDataError(
                f"the model {self.key} needs the predictor {self.manifest.predictor!r}, which "
                f"is not at hand ({error}); put its file back, install its package, or give "
                f"the class to archcost.predictors.register"
            ) from None
        check_files(self._folder, self.manifest.files)  # they may have changed since
        with _damage_named(self._folder):
            predictor = kind(**self.manifest.params).load_weights(self._folder, self.space)
            _check_costs(predictor.predict(_end_ops(self.space)))
        return predictor

    def _load_network_costs(self) -> NetworkCosts:
        from archcost.kernels import KernelSums, NetworkCosts

        assert self._folder is not None, "a model has a predictor or a folder"
        check_files(self._folder, self.manifest.files)  # they may have changed since
        with _damage_named(self._folder):
            weights = read_arrays(self._folder / "weights.npz")
            return NetworkCosts.from_state(weights, KernelSums())

    def _predict_networks(self, archs: object, return_std: bool, extrapolate: bool) -> Any:
        from archcost.models.network_prediction import predict_networks

        single = self.space.is_single(archs)
        given: Any = [archs] if single else archs
        means, stds = predict_networks(
            self.network_costs,
            self.space.networks(given, self.key.dataset),
            return_std=return_std,
            extrapolate=extrapolate,
        )
        if not return_std or stds is None:
            return float(means[0]) if single else means
        return (float(means[0]), float(stds[0])) if single else (means, stds)

    def _network(self, arch: Any) -> Graph:
        return self.space.networks([arch], self.key.dataset)[0]

    def _is_plainly_single(self, archs: object) -> bool:
        """Tell quickly whether it is one architecture in a common form; False may be wrong."""
        kind = type(archs)
        if kind is str or kind is int:
            return True
        if (kind is list or kind is tuple) and archs:
            first = archs[0]  # type: ignore[index]
            return type(first) is int or (type(first) is str and first in self.space.op_names)
        return False

    def _predict_ops(self, ops: Ops, with_std: bool) -> tuple[Costs, Costs]:
        nothing = np.empty(0)
        if len(ops) == 0:
            return nothing, nothing
        if self._form is None:
            if with_std:
                return self.predictor.predict(ops, return_std=True)
            return self.predictor.predict(ops), nothing
        means = self._form.predict(ops)
        if not with_std:
            return means, nothing
        if self._form.has_std:
            return means, self._form.std(ops)
        return means, self.predictor.predict(ops, return_std=True)[1]

    def _write(self, folder: Path) -> Manifest:
        """Write the files; return the manifest that names them."""
        self.predictor.save_weights(folder)
        if self.held_out is not None:
            self.held_out.save(folder)
        form = self.compile()
        if form is not None:
            _check_form(form, self.space)
            np.savez(folder / COMPILED, allow_pickle=False, **form.arrays())
        files = {path.name: file_hash(path) for path in sorted(folder.iterdir())}
        return replace(
            self.manifest, compiled=form.kind if form else None, files=files, contents=""
        )

    def __getstate__(self) -> Mapping[str, Any]:
        # A compiled form holds views that do not pickle; it is made again from its arrays.
        state = dict(self.__dict__)
        if self._form is not None:
            state["_form"] = (self._form.kind, self._form.arrays())
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        if self._form is not None:
            kind, arrays = state["_form"]
            self._form = _form(kind, self.space, arrays)

    def __repr__(self) -> str:
        return f"CostModel({self.key}, {self.manifest.predictor})"

    def _repr_html_(self) -> str:
        """Return what notebooks show: the device, what the model learned from, and its scores."""
        card, training, scores = self.device, self.manifest.training, self.manifest.scores
        return card_html(
            f"CostModel: {self.key.metric} in {self.unit} of {self.key.space} on {card.name}",
            {
                "key": str(self.key),
                "costs": f"{card.kind}, {card.conditions}",
                "source": card.source,
                "notes": card.notes,
                "predictor": self.manifest.predictor,
                "trained on (architectures)": training.get("n_train"),
                "Spearman, held out": scores.get("spearman"),
                "Kendall, held out": scores.get("kendall"),
                f"RMSE in {self.unit}, held out": scores.get("rmse"),
            },
        )


def _form(kind: str, space: SearchSpace, arrays: Arrays) -> CompiledForm:
    from archcost.models import FORMS

    return FORMS[kind].from_arrays(space, arrays)


def _check_form(form: CompiledForm, space: SearchSpace) -> None:
    """Check the numbers of a compiled form, and that it answers for architectures of the space.

    Raises
    ------
    IntegrityError
        If a number is not finite, or a cost is not positive.
    """
    for name, values in form.arrays().items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise IntegrityError(f"{name} must be finite, but holds NaN or an infinite number")
        if name == "means" and (values.ndim != 1 or not (values > 0).all()):
            raise IntegrityError(f"means must be positive costs, but are {values}")
    ops = _end_ops(space)
    _check_costs(form.predict(ops))
    stds = form.std(ops) if form.has_std else np.zeros(2)
    if stds.shape != (2,) or not (np.isfinite(stds) & (stds >= 0)).all():
        raise IntegrityError(f"deviations must be finite, but are {stds.tolist()}")


def _end_ops(space: SearchSpace) -> Ops:
    """Return two combinations: the first and the last op everywhere, or two probes."""
    if space.is_open:
        return space.sample(2)
    return np.array([(ids[0], ids[-1]) for ids in space.choices], dtype=space.dtype).T.copy()


def _check_costs(costs: Costs) -> None:
    if np.shape(costs) != (2,) or not (np.isfinite(costs) & (costs > 0)).all():
        raise IntegrityError(f"costs must be finite and positive, but are {costs}")


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Say which file it is that makes its reader fail, in whatever way."""
    try:
        yield
    except Exception as error:
        raise IntegrityError(
            f"{path} does not fit this archcost ({type(error).__name__}: {error}); save or install "
            "the model again"
        ) from error
