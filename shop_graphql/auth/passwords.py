"""Passwords as argon2id hashes, made and verified in two threads, beside the event loop."""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

T = TypeVar("T")

MAX_LENGTH = 1000

# A hash takes 64 MiB and a core or more: a process makes two at a time, the others queue. When a caller is cancelled,
# its thread works on to the end before it takes the next, and what is still in the queue is dropped.
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="passwords")


class Passwords:
    """Makes and verifies hashes."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        # Queued before any verification can be, so that one that waits for it does not wait for itself.
        self._nobodys: Future[str] = _THREADS.submit(self._hasher.hash, secrets.token_bytes(16))

    async def hash(self, password: str) -> str:
        """Return a hash of `password`, with a new salt. Raises ValueError for one of more than 1,000 characters."""
        secret = _normal(password)
        if secret is None:
            raise ValueError(f"a password has {MAX_LENGTH} characters at the most")
        return await _in_thread(lambda: self._hasher.hash(secret))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether `stored` is a hash of `password`.

        None, for an account that does not exist, takes as long as a wrong password does. So does a password of more
        than 1,000 characters, which is always wrong. Raises argon2's exceptions for what is no hash.
        """
        secret = _normal(password)
        if stored is None or secret is None:
            await _in_thread(lambda: self._matches(self._nobodys.result(), secret or b""))
            return False
        return await _in_thread(lambda: self._matches(stored, secret))

    def needs_rehash(self, stored: str) -> bool:
        """Tell whether `stored` was made with other parameters than a hash is made with today."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str, secret: bytes) -> bool:
        try:
            return self._hasher.verify(stored, secret)
        except VerifyMismatchError:
            return False


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


def _normal(password: str) -> bytes | None:
    """Return the same bytes for what looks the same, however a keyboard composed it (NIST SP 800-63B, 5.1.1.2)."""
    if len(password) > MAX_LENGTH:
        return None
    # A lone surrogate cannot be typed, but can come in JSON.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
