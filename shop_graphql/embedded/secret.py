"""The secret that access tokens are signed with in a shop on the embedded PostgreSQL: made once, kept beside it."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from shop_graphql.errors import StartupError

NAME = "secret"


def secret(data_dir: Path) -> str:
    """Return the secret of a data folder that exists, whichever process made it. Raises StartupError."""
    path = data_dir.expanduser().resolve() / NAME
    try:
        if not path.exists():
            _make(path)
        return path.read_text().strip()
    except OSError as error:
        raise StartupError(f"The secret in {path} cannot be used: {error.strerror}.") from None


def _make(path: Path) -> None:
    """It appears whole or not at all, and the first of two processes that make one wins."""
    unfinished = path.with_name(f".{NAME}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
        with suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        unfinished.unlink()
