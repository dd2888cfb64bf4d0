"""Runs what is gathered of several venues concurrently."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def concurrently(venues: Iterable[Coroutine[Any, Any, T]]) -> AsyncGenerator[T, None]:
    """Runs all coroutines and yields each result as soon as it is available.

    When the generator is closed, those that still run are cancelled and awaited.
    """
    tasks = [asyncio.ensure_future(venue) for venue in venues]
    try:
        for completed in asyncio.as_completed(tasks):
            yield await completed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
