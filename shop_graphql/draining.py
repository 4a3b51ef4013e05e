"""Whether this process is about to end: it serves on, and whoever asks for its readiness is told to send no more."""


class Draining:
    """Set once, by whoever is told to end this process."""

    def __init__(self) -> None:
        self.has_begun = False
        self.delay = 0.0
        """Seconds between the telling and the end."""


DRAINING = Draining()
