"""Responses written at once: uvicorn writes the head and the body one after the other, and each is a system call."""

import asyncio
from typing import Any


class Corked:
    """A transport that holds the head of a response back until its body begins, or the event loop's next turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.uncorked = transport
        self._loop = loop
        self._head: bytes | None = None
        self.is_closing = transport.is_closing
        """One of the two things that are asked of it for each response, and not to be looked up anew."""

    def write(self, data: bytes) -> None:
        """Write, in the order of the calls, unless the connection has ended: uvloop takes that for a mistake."""
        if self.is_closing():
            self._head = None
        elif self._head is not None:
            head, self._head = self._head, None
            self.uncorked.write(head + data)
        elif data.startswith(b"HTTP/"):
            self._head = data
            self._loop.call_soon(self.flush)
        else:
            self.uncorked.write(data)

    def flush(self) -> None:
        """Write what is held back, unless the connection has ended meanwhile."""
        if self._head is not None:
            head, self._head = self._head, None
            if not self.is_closing():
                self.uncorked.write(head)

    def close(self) -> None:
        """Close after all is written."""
        self.flush()
        self.uncorked.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.uncorked, name)
