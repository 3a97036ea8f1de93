"""The command ``archcost ui``: MLflow's interface, on the right page of the right store."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import IO, Any
from urllib.parse import quote, urlencode

from archcost.cli.output import add_output_arguments, say, show

DESCRIPTION = """\
Open MLflow's interface on what was logged: the store that `archcost train` writes to
(MLFLOW_TRACKING_URI, else mlflow.db in the working directory), and in it the trainings of the
latest experiment. The interface runs until Ctrl-C. If its port is taken, the next free one is
used; where there is no browser, open the address that is printed."""

EPILOG = """\
examples:
  archcost ui
  archcost ui --trials --device my_board         every trial of a device, side by side in charts
  archcost ui --experiment boards --port 8080
"""

QUICK = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # of judges of language models
}
"""Environment of the interface where the user does not set it otherwise."""

START_S = 180.0
"""Seconds that the interface may take to start, on a slow machine."""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "ui",
        help="open MLflow's interface on what was logged",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--experiment", metavar="NAME", help="this MLflow experiment (default: the latest used)"
    )
    parser.add_argument("--trials", action="store_true", help="the trials instead of the trainings")
    parser.add_argument("--device", metavar="ID", help="only the trials of this device")
    parser.add_argument("--port", type=int, default=5000, help="default: %(default)s")
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument(
        "--no-browser", action="store_true", help="only print the address, and open nothing"
    )
    add_output_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Start the interface, open it in a browser, and wait for Ctrl-C."""
    from archcost.tracking.mlflow_store import tracking_store

    with tracking_store() as store:
        page = page_of(arguments)
    if store.startswith("http"):
        _open(arguments, store.rstrip("/") + page, store)
        return 0
    port = free_port(arguments.host, arguments.port)
    if port != arguments.port:
        say(arguments, f"port {arguments.port} is taken; the interface uses {port} instead")
    say(arguments, f"MLflow starts on {store}; this takes some seconds")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the interface as Ctrl-C does
    with interface(store, arguments.host, port) as server:
        _open(arguments, f"http://{arguments.host}:{port}{page}", store)
        say(arguments, "Ctrl-C ends it")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):  # the way to end it
            while server.poll() is None:  # a signal that another thread takes ends no long wait
                time.sleep(0.2)
    return 0


def page_of(arguments: argparse.Namespace) -> str:
    """Return the path of the page to open, within the store in use.

    Raises
    ------
    MissingDataError
        If there is no such experiment.
    """
    import mlflow

    from archcost.errors import MissingDataError
    from archcost.tracking.saved_views import TAG, VIEWS

    known = {one.name: one for one in mlflow.search_experiments()}
    if arguments.experiment is not None:
        if arguments.experiment not in known:
            raise MissingDataError(
                f"experiment must be one of {sorted(known)}, but got {arguments.experiment!r}"
            )
        experiment = known[arguments.experiment]
    else:
        by_number = {one.experiment_id: one for one in known.values()}
        latest = mlflow.MlflowClient().search_runs(
            list(by_number), order_by=["attributes.start_time DESC"], max_results=1
        )
        experiment = by_number[latest[0].info.experiment_id if latest else "0"]
    # Without the type MLflow shows its menu for language models.
    query = {"workflowType": "machine_learning"}
    if arguments.trials:
        query["compareRunsMode"] = "CHART"
    name = "trials" if arguments.trials else "trainings"
    if arguments.device is not None:
        _, trials, order, _ = VIEWS["trials"]
        query["searchFilter"] = f"{trials} and tags.archcost.device = '{arguments.device}'"
        query |= {"orderByKey": order, "orderByAsc": "false"}
    elif TAG + name in experiment.tags:
        query["viewStateShareKey"] = name
    return f"/#/experiments/{experiment.experiment_id}/runs?{urlencode(query, quote_via=quote)}"


def free_port(host: str, port: int) -> int:
    """Return the first port from `port` on that nothing listens to, or one that the system gives.

    Parameters
    ----------
    host : str
        Where to listen.
    port : int
        The one that is wanted.
    """
    for candidate in (*range(port, min(port + 20, 2**16)), 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, candidate))
            except OSError:
                continue
            return int(trial.getsockname()[1])
    raise OSError(f"no port of {host} is free")


@contextlib.contextmanager
def interface(store: str, host: str, port: int) -> Any:
    """Run MLflow's interface on a store, from when it answers until the block ends.

    Yields
    ------
    subprocess.Popen
        The server.

    Raises
    ------
    TrackingError
        If it ends or does not answer.
    """
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store]
    command += ["--host", host, "--port", str(port), "--workers", "1"]
    env = {**QUICK, **os.environ}
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=env)
        try:
            _wait(server, f"http://{host}:{port}/health", log)
            yield server
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait(server: subprocess.Popen[bytes], health: str, log: IO[str]) -> None:
    import requests

    from archcost.errors import TrackingError

    end = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < end:
        with contextlib.suppress(requests.RequestException):
            if requests.get(health, timeout=2).ok:
                return
        time.sleep(0.2)
    log.seek(0)
    last = [line.strip() for line in log.read().splitlines() if line.strip()][-1:]
    raise TrackingError(
        f"MLflow's interface must answer within {START_S:.0f} s, but did not"
        + (f": {last[0]}" if last else "")
        + "; `mlflow server` shows more"
    )


def _open(arguments: argparse.Namespace, url: str, store: str) -> None:
    show(arguments, url, {"url": url, "store": store})
    if arguments.no_browser:
        return
    import webbrowser

    # Without a display, a browser of the terminal would take the terminal over.
    needs_display = sys.platform.startswith("linux")
    has_display = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    if (needs_display and not has_display) or not webbrowser.open(url):
        say(arguments, "no browser was found here; open the address above in one")
