"""Where the chunks of a scan run: threads of this process, or a Ray cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from archcost.errors import MissingDataError
from archcost.search.scanning import Found, ScanPlan, merge, nothing, scan_chunk

ScanEngine = Callable[[ScanPlan, int], Generator[tuple[int, Found], None, None]]
"""Takes a plan and the first chunk; yields, in order, the next chunk to do and what was found."""

RAY_GROUP = 16
"""Chunks of one Ray task: a million architectures take far longer than the call."""


def on_threads(n_threads: int) -> ScanEngine:
    """Return the engine that scans on threads; numpy frees the interpreter for most of the work."""

    def engine(plan: ScanPlan, first: int) -> Generator[tuple[int, Found], None, None]:
        from concurrent.futures import Future, ThreadPoolExecutor

        under_way: deque[tuple[int, Future[Found]]] = deque()
        pool = ThreadPoolExecutor(n_threads)
        try:
            for chunk in range(first, plan.n_chunks):
                under_way.append((chunk, pool.submit(scan_chunk, plan, chunk)))
                if len(under_way) > 2 * n_threads:
                    done, future = under_way.popleft()
                    yield done + 1, future.result()
            for done, future in under_way:
                yield done + 1, future.result()
        finally:
            pool.shutdown(cancel_futures=True)

    return engine


def on_ray(address: str | None = None) -> ScanEngine:
    """Return the engine that scans on Ray.

    Parameters
    ----------
    address : str, optional
        Of a running cluster (``"auto"``, ``"host:port"``), whose machines need archcost
        installed; a local one is started by default.

    Raises
    ------
    MissingDataError
        If Ray is not installed.
    """
    try:
        import ray
    except ImportError:
        raise MissingDataError(
            "Ray is not installed; install it with `pip install archcost[ray]`"
        ) from None

    def engine(plan: ScanPlan, first: int) -> Generator[tuple[int, Found], None, None]:
        started = not ray.is_initialized()
        if started:
            ray.init(address=address, log_to_driver=False, include_dashboard=False)
        try:
            yield from _ray_tasks(ray, plan, first)
        finally:
            if started:
                ray.shutdown()

    return engine


def _ray_tasks(ray: Any, plan: ScanPlan, first: int) -> Generator[tuple[int, Found], None, None]:
    # Whatever a lost machine was at is done again by the others.
    task = ray.remote(num_cpus=1, max_retries=-1)(_scan_group)
    shared = ray.put(plan)
    at_once = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
    under_way: deque[tuple[int, Any]] = deque()
    for start in range(first, plan.n_chunks, RAY_GROUP):
        end = min(start + RAY_GROUP, plan.n_chunks)
        under_way.append((end, task.remote(shared, start, end)))
        if len(under_way) > at_once:
            done, reference = under_way.popleft()
            yield done, ray.get(reference)
    for done, reference in under_way:
        yield done, ray.get(reference)


def _scan_group(plan: ScanPlan, first: int, end: int) -> Found:
    found = nothing(plan)
    for chunk in range(first, end):
        found = merge(plan, found, scan_chunk(plan, chunk))
    return found
