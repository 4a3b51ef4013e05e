"""Whether this process is about to end: it serves on, and whoever asks for its readiness is told to send no more."""

import threading
from collections.abc import Callable
from types import FrameType

Handler = Callable[[int, FrameType | None], None]


class Draining:
    """Whether the end was announced, and how long before it comes."""

    def __init__(self) -> None:
        self.has_begun = False
        self.delay = 0.0


DRAINING = Draining()


def draining(end: Handler) -> Handler:
    """Return a handler of SIGTERM that calls `end` after DRAINING's delay, or at once when the signal comes again."""

    def drain(number: int, frame: FrameType | None) -> None:
        is_first, DRAINING.has_begun = not DRAINING.has_begun, True
        if is_first and DRAINING.delay:
            timer = threading.Timer(DRAINING.delay, end, (number, frame))
            timer.daemon = True
            timer.start()
        else:
            end(number, frame)

    return drain
