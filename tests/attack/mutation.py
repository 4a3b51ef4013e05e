"""Bytes changed at random: a bit, a piece, a word that is known to hurt."""

from collections.abc import Callable, Sequence
from random import Random

TOKENS = (
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\\u0000", b"\\ud800", b"\xe2\x80\xae", b"\r\n", b"\r\n\r\n", b"\n", b"\t",
    b"null", b"true", b"NaN", b"-Infinity", b"1e309", b"-1", b"0", b"2147483648", b"-9223372036854775809", b"9" * 400,
    b"[]", b"{}", b"[[[[[[[[", b'{"a":' * 40, b'""', b'"', b"\\", b"'", b"--", b";", b"%00", b"%", b"../", b"${7*7}",
    b"' OR 1=1 --", b"<script>", b"(", b")", b"{", b"}", b"[", b"]", b":", b",", b"!", b"$", b"@", b"...", b"#", b'"""',
    b"@skip(if: true)", b"@include(if: $x)", b"__typename", b"__schema{types{name}}", b"fragment x on Query{...x}",
    b"query", b"mutation", b"subscription", b"first: 100", b"last: 0", b"prod_1", b"user_1", b"ord_1",
    b"prod_99999999999999999999", b"NaN", b"0.001", b"\"price\"", b"\"variables\"", b"\"query\"", b"\"extensions\"",
    b"GET", b"POST", b"OPTIONS", b"DELETE", b"HTTP/1.0", b"HTTP/2.0", b"/graphql", b"/health", b"/ready", b"*",
    b"Content-Length: 0\r\n", b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    b"Content-Type: text/plain\r\n", b"Accept: text/event-stream\r\n", b"Accept: text/html\r\n",
    b"Range: bytes=0-1\r\n",
    b"Content-Encoding: gzip\r\n", b"Authorization: Bearer x\r\n", b"Origin: null\r\n", b"Upgrade: websocket\r\n",
    b"X-Forwarded-For: 1.1.1.1\r\n", b" " * 500, b"a" * 5000,
)  # fmt: skip
"""What parsers, databases and terminals have stumbled over."""

Change = Callable[[bytes, Random, Sequence[bytes]], bytes]


def mutated(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Return `data` with one to eight changes; pieces of `others` may come into it."""
    for _ in range(1 + min(int(random.expovariate(0.7)), 7)):
        data = random.choice(CHANGES)(data, random, others)
    return data


def _span(data: bytes, random: Random, most: int = 64) -> tuple[int, int]:
    start = random.randint(0, len(data))
    return start, min(len(data), start + random.randint(1, most))


def flip(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Turn one bit over."""
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def delete(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Leave a piece out."""
    start, end = _span(data, random)
    return data[:start] + data[end:]


def insert(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Put some bytes in."""
    at = random.randint(0, len(data))
    return data[:at] + random.randbytes(random.randint(1, 8)) + data[at:]


def duplicate(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Say a piece several times over."""
    start, end = _span(data, random)
    return data[:end] + data[start:end] * random.choice((1, 1, 1, 2, 30)) + data[end:]


def truncate(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Leave the end out."""
    return data[: random.randint(0, len(data))]


def splice(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Put in a piece of something else."""
    other = random.choice(others)
    start, end = _span(other, random, 200)
    at = random.randint(0, len(data))
    return data[:at] + other[start:end] + data[at:]


def token(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Put in a word that is known to hurt, in front of a piece or in place of it."""
    start, end = _span(data, random, 12)
    return data[:start] + random.choice(TOKENS) + data[random.choice((start, end)) :]


def word(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Put a word of something else in place of a word: what comes of it is often still a document."""
    own, foreign = _words(data), _words(random.choice(others))
    if not own or not foreign:
        return data
    at, new = random.choice(own), random.choice(foreign)
    return data.replace(at, new, 1)


def _words(data: bytes) -> list[bytes]:
    readable = bytes(byte if chr(byte).isalnum() or byte == 0x5F else 0x20 for byte in data[:4000])
    return readable.split()


CHANGES: tuple[Change, ...] = (flip, delete, insert, duplicate, truncate, splice, token, token, word, word, word)
