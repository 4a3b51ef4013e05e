"""Files that a command writes, and what is said when they cannot be written."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import typer

from shop_graphql.errors import StartupError


@contextmanager
def output(path: Path | None) -> Iterator[TextIO]:
    """Open a file to write to, or standard output. Raises StartupError when that cannot be."""
    if path is not None:
        with created(path) as file:
            yield file
        return
    stream = TextIOWrapper(typer.get_binary_stream("stdout"), encoding="utf-8", newline="", write_through=True)
    try:
        yield stream
    except BrokenPipeError:  # whoever read it has seen enough
        raise
    except OSError as error:
        _discard_output()
        raise _not_written("Standard output", error) from None
    finally:
        with suppress(OSError):  # what is left would be written now, and cannot be
            stream.detach()


@contextmanager
def created(path: Path) -> Iterator[TextIO]:
    """Make a file to write to. Raises StartupError when that cannot be."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise _not_written(str(path), error) from None


def _discard_output() -> None:
    """Let what is left in the buffers go nowhere: Python writes it when it ends, and would exit with 120."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _not_written(name: str, error: OSError) -> StartupError:
    return StartupError(f"{name} cannot be written: {os.strerror(error.errno or 0)}.")
