"""Executors that share work: processes of this machine, or a Dask cluster."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager, nullcontext

from harmonize.cli.console import USAGE, fail

_SECONDS = 10
"""Time limit of the connection to a cluster, in seconds."""


def workers_for(*, is_long: bool) -> AbstractContextManager[Executor | None]:
    """Opens a process per processor for long work; None for other work: this process alone."""
    return workers_of("", None) if is_long else nullcontext()


def check_workers(cluster: str, workers: int | None) -> None:
    """Ends the program if a number of processes is wrong; None: not stated."""
    if workers is not None and workers < 1:
        fail(f"--workers: expected at least 1, found {workers}; omit it for the default", USAGE)
    if workers is not None and cluster:
        fail("--workers: found together with --cluster, which has its own; remove one", USAGE)


@contextmanager
def workers_of(cluster: str, workers: int | None) -> Iterator[Executor | None]:
    """Opens processes or a cluster; None: this process alone."""
    if cluster:
        with _cluster_executor(cluster) as executor:
            yield executor
        return
    count = workers or os.cpu_count() or 1
    if count == 1:
        yield None
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Processes begin anew, on every system: copies of one with threads may block.
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        yield pool


@contextmanager
def _cluster_executor(address: str) -> Iterator[Executor]:
    try:
        from dask.distributed import Client
    except ImportError:
        fail("--cluster: Dask is not installed; install harmonize-margins[cluster]", USAGE)
    try:
        client = Client(address, timeout=_SECONDS)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        fail(f"--cluster {address}: no scheduler answers: {reason}; correct the address", USAGE)
    with client:
        yield client.get_executor()
