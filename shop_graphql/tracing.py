"""What a request costs: its statements, counted while SHOP_DEBUG is set."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


@dataclass
class Trace:
    """The statements of one request, and the seconds that they took."""

    statements: int = 0
    seconds: float = 0.0
    started: float = field(default_factory=perf_counter)

    def add(self, seconds: float) -> None:
        """Count a statement."""
        self.statements += 1
        self.seconds += seconds

    def extensions(self) -> dict[str, Any]:
        """Return what the response's `extensions` say of it."""
        total = perf_counter() - self.started
        times = {"databaseMilliseconds": self.seconds, "totalMilliseconds": total}
        return {"statements": self.statements, **{name: round(1000 * value, 3) for name, value in times.items()}}


current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def listen(engine: AsyncEngine) -> None:
    """Count the engine's statements for the request that sends them."""

    def before(connection: Any, cursor: Any, statement: Any, parameters: Any, context: Any, many: Any) -> None:  # noqa: ARG001
        context.started = perf_counter()

    def after(connection: Any, cursor: Any, statement: Any, parameters: Any, context: Any, many: Any) -> None:  # noqa: ARG001
        if (trace := current.get()) is not None:
            trace.add(perf_counter() - context.started)

    event.listen(engine.sync_engine, "before_cursor_execute", before)
    event.listen(engine.sync_engine, "after_cursor_execute", after)
