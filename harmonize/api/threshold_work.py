"""Distributes work on underlyings over an executor of ``concurrent.futures``."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Parcel(Generic[Result]):
    """Value on its way between processes.

    Dask sends a bare dictionary by another way than pickle, which turns the members of an enumeration
    of texts into plain texts.
    """

    value: Result


OnDone = Callable[[], None]
"""Called after each finished task."""


def map_tasks(
    executor: Executor | None,
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    on_done: OnDone = lambda: None,
) -> list[Result]:
    """Returns the results in the order of the tasks; without an executor, one after another.

    ``work`` is a function of a module, because other processes find it by its name. An error of a task
    is raised, and the tasks that have not begun are cancelled.
    """
    if executor is None:
        results = []
        for task in tasks:
            results.append(work(task))
            on_done()
        return results
    futures = [executor.submit(_work, work, _Parcel(task)) for task in tasks]
    try:
        for future in as_completed(futures):
            future.result()
            on_done()
    finally:
        for future in futures:
            future.cancel()
    return [future.result().value for future in futures]


def _work(work: Callable[[Task], Result], task: _Parcel[Task]) -> _Parcel[Result]:
    return _Parcel(work(task.value))
