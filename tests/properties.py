"""Lets Hypothesis, which calls plain functions, drive coroutines of the running event loop."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

Run = Callable[[Coroutine[Any, Any, T]], T]


async def check(examine: Callable[[Callable[[Coroutine[Any, Any, Any]], Any]], None]) -> None:
    """Call `examine`, a function that applies a property, in a thread; what it is handed runs coroutines over here."""
    loop = asyncio.get_running_loop()

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    await asyncio.to_thread(examine, run)
