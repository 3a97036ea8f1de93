"""Registered models: names and aliases in MLflow for the cost models to use."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from types import NoneType

from archcost.datasets import CostKey
from archcost.errors import MissingDataError, check_type
from archcost.models import CostModel
from archcost.models.manifest import MANIFEST
from archcost.models.store import LOADED
from archcost.tracking.mlflow_store import tracking_store
from archcost.tracking.model_page import card_lines, cost_in_words, model_page
from archcost.tracking.sqlite_store import first_line, writing
from archcost.tracking.tracker import KEY, ROLE, key_tags
from archcost.tracking.trial_logs import CHOSEN

UNREACHABLE = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE")
"""Codes of MLflow's errors that say nothing of what the store holds."""


def register(key: CostKey | str, *, uri: str | None = None, alias: str = "champion") -> str:
    """Register a logged model under its key and point an alias to it.

    Parameters
    ----------
    key : CostKey or str
        The registered model's name, such as ``"nasbench201-raspi4-latency-cifar10"``.
    uri : str, optional
        A logged model of that key, ``models:/m-...``; by default the one that the latest
        experiment chose.
    alias : str, default="champion"
        What ``models:/KEY@ALIAS`` is to mean from now on.

    Returns
    -------
    str
        The URI ``models:/KEY@ALIAS``, which `archcost.predict` takes as its model.

    Raises
    ------
    MissingDataError
        If there is no such model.

    Examples
    --------
    After the example of `run_experiment`:

    >>> register("nasbench201-my_board-latency-cifar10")
    'models:/nasbench201-my_board-latency-cifar10@champion'
    """
    name = str(CostKey.parse(key) if isinstance(key, str) else key)
    check_type("alias", alias, str, "a name, such as 'champion'")
    check_type("uri", uri, (str, NoneType), "a model's address, models:/...")
    with tracking_store() as store:
        import mlflow

        uri = uri or _latest_choice(name)
        model = _load(uri)
        if str(model.key) != name:
            raise MissingDataError(f"{uri} must be a model of {name}, but is one of {model.key}")
        # MLflow says on stderr what it has done.
        with writing(store), contextlib.redirect_stderr(io.StringIO()):
            version = mlflow.register_model(uri, name, tags=key_tags(model.key))
            client = mlflow.MlflowClient()
            client.update_registered_model(name, _about(model))
            client.update_model_version(name, version.version, model_page(model))
            client.set_registered_model_alias(name, alias, version.version)
    LOADED.clear()  # it may hold what the alias meant
    return f"models:/{name}@{alias}"


def load_registered(uri: str) -> CostModel:
    """Load a cost model from MLflow; never runs code from it.

    Parameters
    ----------
    uri : str
        A registered model, ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``, or a logged one,
        ``models:/m-...``.

    Returns
    -------
    CostModel
        The model.

    Raises
    ------
    MissingDataError
        If the store has no such model, or it is not a cost model.
    IntegrityError
        If a file of the model was changed.
    """
    with tracking_store():
        return _load(uri)


def _about(model: CostModel) -> str:
    """Return what all versions of a registered model share, as Markdown."""
    card = [f"- {line}" for line in card_lines(model.manifest)]
    return "\n".join([cost_in_words(model.manifest), "", *card]) + "\n"


def _load(uri: str) -> CostModel:
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        folder = Path(mlflow.artifacts.download_artifacts(uri))
    except (MlflowException, OSError) as error:
        if getattr(error, "error_code", "") in UNREACHABLE:
            raise
        raise MissingDataError(
            f"there is no model {uri} in {mlflow.get_tracking_uri()} ({first_line(error)}); "
            "`archcost register` registers the models that `archcost train` logged"
        ) from None
    manifests = list(folder.glob(f"data/*/{MANIFEST}"))
    if len(manifests) != 1:
        raise MissingDataError(f"{uri} must be a model that archcost logged, but it is another one")
    return CostModel.load(manifests[0].parent)


def _latest_choice(name: str) -> str:
    import mlflow

    client = mlflow.MlflowClient()
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(
        experiments,
        f"tags.`{ROLE}` = '{CHOSEN}' and tags.`{KEY}` = '{name}' "
        "and attributes.status = 'FINISHED'",
        order_by=["attributes.start_time DESC"],
        max_results=1,
    )
    logged = [model for run in runs if run.outputs for model in run.outputs.model_outputs]
    if not logged:
        raise MissingDataError(
            f"no model of {name} was logged in {mlflow.get_tracking_uri()}; "
            "train one with `archcost train`"
        )
    return f"models:/{logged[0].model_id}"
