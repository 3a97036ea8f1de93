"""The MLflow store of the user: found, opened and quiet."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from archcost.errors import MissingDataError, TrackingError
from archcost.tracking.killed_runs import mark_killed
from archcost.tracking.saved_views import view_tags
from archcost.tracking.sqlite_store import (
    ARTIFACTS,
    check_store,
    first_line,
    follow_move,
    has_store,
    make_store,
    sqlite_file,
    sqlite_uri,
    writing,
)

DEFAULT_STORE = "mlflow.db"

DESCRIPTION = "mlflow.note.content"
"""Tag that MLflow shows as the description, in Markdown."""

KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Tag by which MLflow opens an experiment on its runs, and not on traces of language models."""

ABOUT_EXPERIMENT = """\
Cost models of neural architectures, logged by `archcost`. A run named after devices is one
training; its description compares the predictors, and the runs below it are the trials. Choose a
part under *Views*, or search for it:

| search | shows |
| --- | --- |
| tags.archcost.role = 'experiment' | trainings, with the best predictor and its score |
| tags.archcost.role = 'trial' | every predictor and seed, to be charted side by side |
| tags.archcost.role = 'chosen' | the models that were kept |
| tags.archcost.role = 'learning curve' | scores over the number of training rows |
| tags.archcost.device = 'raspi4' and metrics.spearman > 0.95 | what predicts a device well |

`archcost compare` prints the comparison, `archcost register` names a model to be served.
"""
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # it would report its use over the network
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # Six seconds until a server counts as down, where MLflow would take minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
"""Environment for MLflow where the user does not set it otherwise."""


@contextlib.contextmanager
def tracking_store(*, create: bool = False) -> Iterator[str]:
    """Use the MLflow store of the user, quietly.

    That is what ``mlflow.set_tracking_uri`` or ``MLFLOW_TRACKING_URI`` say, else ``mlflow.db`` in
    the working directory. Runs of processes that were killed are marked so.

    Parameters
    ----------
    create : bool, default=False
        Make a SQLite store that is not there.

    Yields
    ------
    str
        The store's URI.

    Raises
    ------
    MissingDataError
        If there is no SQLite store and none is to be made.
    TrackingError
        If the store cannot be opened, or MLflow fails while it is used.
    """
    with _quiet():
        import mlflow
        from mlflow.exceptions import MlflowException

        is_set = mlflow.is_tracking_uri_set()  # type: ignore[no-untyped-call]
        # Absolute, since MLflow keeps the stores that it has opened by their URI.
        uri = mlflow.get_tracking_uri() if is_set else sqlite_uri(Path(DEFAULT_STORE))
        file = sqlite_file(uri)
        if file is not None and not has_store(file) and not create:
            raise MissingDataError(
                f"there is no MLflow store {file}; run this where `archcost train` ran, or set "
                "MLFLOW_TRACKING_URI"
            )
        if not is_set:
            mlflow.set_tracking_uri(uri)
        try:
            if file is not None:
                _open_file(file, uri)
            mark_killed(uri)
            yield uri
        except MlflowException as error:
            raise TrackingError(
                f"MLflow failed in the store {uri}: {first_line(error)}; {remedy(uri)}"
            ) from error
        finally:
            if not is_set:
                mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # as it was


def remedy(uri: str) -> str:
    """Say what to do about a store that cannot be used."""
    if sqlite_file(uri) is not None:
        return "see that its disk has space and that you may write there"
    return "see that its server runs, or unset MLFLOW_TRACKING_URI to use mlflow.db here"


def experiment_id(name: str) -> str:
    """Return the id of an MLflow experiment, made if it is not there; call within `writing`.

    The artifacts of a SQLite store lie beside it, in ``mlartifacts``, wherever one works.
    """
    import mlflow

    tags = {**KIND, **view_tags(), DESCRIPTION: ABOUT_EXPERIMENT}
    experiment = mlflow.get_experiment_by_name(name)
    if experiment is not None:
        for tag, value in tags.items():
            if tag not in experiment.tags:  # of an earlier version, or made by the user
                mlflow.MlflowClient().set_experiment_tag(experiment.experiment_id, tag, value)
        return str(experiment.experiment_id)
    file = sqlite_file(mlflow.get_tracking_uri())
    location = None
    if file is not None:
        # MLflow decodes what looks percent-encoded, so the name is not quoted but simplified.
        location = (file.parent / ARTIFACTS / re.sub(r"[^\w-]", "_", name)).as_uri()
    return str(mlflow.create_experiment(name, artifact_location=location, tags=tags))


def _open_file(file: Path, uri: str) -> None:
    if has_store(file) and not os.access(file.parent, os.W_OK):
        return  # to be read only, so that there is nothing to lock
    file.parent.mkdir(parents=True, exist_ok=True)
    with writing(uri):
        if not has_store(file):
            make_store(file)
        check_store(file)
        follow_move(file)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence MLflow's reports and the warnings that its own code causes, for a while."""
    added = {name: value for name, value in QUIET.items() if name not in os.environ}
    os.environ.update(added)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"mlflow\b")
        import mlflow  # noqa: F401  it sets its loggers' levels when imported

        loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)  # errors are raised, and said once
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            for name in added:
                os.environ.pop(name, None)
