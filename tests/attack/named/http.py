"""Requests at the edges of HTTP: where one ends and the next begins, heads that are too large, odd lines."""

from collections.abc import Collection, Mapping, Sequence

from tests.attack.named.kinds import Attack, Raw

QUERY = b'{"query": "{ __typename }"}'
USERS = b'{"query": "{ users { nodes { id } } }"}'
LENGTH = len(QUERY)
HOST = b"host: <<host>>\r\n"
POST = b"POST /graphql HTTP/1.1\r\n" + HOST + b"content-type: application/json\r\n"
GET = b"GET /health HTTP/1.1\r\n" + HOST
NEXT = GET + b"\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
UPGRADE = b"connection: upgrade\r\nupgrade: h2c\r\n"
WEBSOCKET = b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: a\r\n"
MANY = b"".join(b"%x:\r\n" % number for number in range(8000))
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (LENGTH, QUERY)

Row = tuple[bytes | Sequence[bytes], Sequence[int | Collection[int]]]


def _posted(headers: bytes, body: bytes = QUERY) -> bytes:
    return POST + headers + b"\r\n" + body


_LENGTHS: Mapping[str, Row] = {
    "two-lengths": (_posted(b"content-length: 27\r\ncontent-length: 5\r\n") + NEXT, [400]),
    "two-equal-lengths": (_posted(b"content-length: 27\r\ncontent-length: 27\r\n") + NEXT, [400]),
    "list-of-lengths": (_posted(b"content-length: 27, 27\r\n") + NEXT, [400]),
    "negative-length": (_posted(b"content-length: -1\r\n") + NEXT, [400]),
    "signed-length": (_posted(b"content-length: +27\r\n") + NEXT, [400]),
    "hexadecimal-length": (_posted(b"content-length: 0x1b\r\n") + NEXT, [400]),
    "length-with-letters": (_posted(b"content-length: 27abc\r\n") + NEXT, [400]),
    "length-with-a-space-inside": (_posted(b"content-length: 2 7\r\n") + NEXT, [400]),
    "fractional-length": (_posted(b"content-length: 27.0\r\n") + NEXT, [400]),
    "empty-length": (_posted(b"content-length:\r\n") + NEXT, [400]),
    "length-of-65-bits": (_posted(b"content-length: 36893488147419103232\r\n") + NEXT, [400]),
    "length-in-other-digits": (_posted("content-length: ٢٧\r\n".encode()) + NEXT, [400]),
    "huge-length": (_posted(b"content-length: 9999999999\r\n"), [413]),
    "length-too-short": (_posted(b"content-length: 26\r\n"), [400]),
    "no-length": (_posted(b""), [400]),
}
_SMUGGLING: Mapping[str, Row] = {
    "cl-te": (_posted(b"content-length: 6\r\n" + CHUNKED, b"0\r\n\r\nG"), [400]),
    "te-cl": (_posted(CHUNKED + b"content-length: 4\r\n", b"5c\r\nGPOST / HTTP/1.1\r\n\r\n0\r\n\r\n"), [400]),
    "cl-0-and-te": (_posted(b"content-length: 0\r\n" + CHUNKED, CHUNKS) + NEXT, [400]),
    "te-with-space-before-colon": (_posted(b"content-length: 5\r\ntransfer-encoding : chunked\r\n", CHUNKS), [400]),
    "te-with-tab": (_posted(b"transfer-encoding:\tchunked\r\n", CHUNKS) + NEXT, [200, 200]),
    "te-with-vertical-tab": (_posted(b"transfer-encoding: \x0bchunked\r\n", CHUNKS) + NEXT, [400]),
    "te-quoted": (_posted(b'transfer-encoding: "chunked"\r\n', CHUNKS) + NEXT, [400]),
    "te-xchunked": (_posted(b"transfer-encoding: xchunked\r\n", CHUNKS) + NEXT, [400]),
    "te-identity": (_posted(b"transfer-encoding: identity\r\ncontent-length: 27\r\n") + NEXT, [400]),
    "te-gzip": (_posted(b"transfer-encoding: gzip\r\n", CHUNKS) + NEXT, [400]),
    "te-chunked-then-gzip": (_posted(b"transfer-encoding: chunked, gzip\r\n", CHUNKS) + NEXT, [400]),
    "te-chunked-twice": (_posted(b"transfer-encoding: chunked, chunked\r\n", CHUNKS) + NEXT, [400]),
    "te-two-headers": (_posted(b"transfer-encoding: cow\r\n" + CHUNKED, CHUNKS) + NEXT, [200, 200]),
    "te-in-capitals": (_posted(b"TRANSFER-ENCODING: CHUNKED\r\n", CHUNKS) + NEXT, [200, 200]),
    "te-with-underscore": (_posted(b"content-length: 27\r\ntransfer_encoding: chunked\r\n") + NEXT, [200, 200]),
    "te-folded": (_posted(b"content-length: 5\r\ntransfer-encoding:\r\n chunked\r\n", CHUNKS), [400]),
    "te-behind-nul": (_posted(b"content-length: 27\r\n\0transfer-encoding: chunked\r\n"), [400]),
    "te-behind-bare-cr": (_posted(b"x: y\rtransfer-encoding: chunked\r\ncontent-length: 27\r\n"), [400]),
    "te-behind-bare-lf": (_posted(b"x: y\ntransfer-encoding: chunked\r\ncontent-length: 27\r\n"), [400]),
    "te-in-http-1.0": (
        _posted(CHUNKED, CHUNKS).replace(b"HTTP/1.1", b"HTTP/1.0", 1) + NEXT,
        [200],
    ),
    "get-with-a-body": (GET + b"content-length: 27\r\n\r\n" + QUERY + NEXT, [200, 200]),
    "get-with-chunks": (GET + CHUNKED + b"\r\n" + CHUNKS + NEXT, [200, 200]),
}


def _chunked(chunks: bytes) -> bytes:
    return _posted(CHUNKED, chunks)


_CHUNKING: Mapping[str, Row] = {
    "one-byte-chunks": (_chunked(b"".join(b"1\r\n%c\r\n" % c for c in QUERY) + b"0\r\n\r\n") + NEXT, [200, 200]),
    "leading-zeros": (_chunked(b"0000001b\r\n%b\r\n0\r\n\r\n" % QUERY) + NEXT, [200, 200]),
    "extension": (_chunked(b"1b;a=b\r\n%b\r\n0\r\n\r\n" % QUERY) + NEXT, [200, 200]),
    "extension-quoted": (_chunked(b'1b;a="b;\\"c"\r\n%b\r\n0\r\n\r\n' % QUERY) + NEXT, [200, 200]),
    "extension-with-bare-lf": (_chunked(b"1b;a\n%b\r\n0\r\n\r\n" % QUERY) + NEXT, [400]),
    "size-with-bare-lf": (_chunked(b"1b\n%b\r\n0\r\n\r\n" % QUERY) + NEXT, [400]),
    "size-with-prefix": (_chunked(b"0x1b\r\n%b\r\n0\r\n\r\n" % QUERY) + NEXT, [400]),
    "size-with-sign": (_chunked(b"+1b\r\n%b\r\n0\r\n\r\n" % QUERY) + NEXT, [400]),
    "size-negative": (_chunked(b"-1b\r\n%b\r\n0\r\n\r\n" % QUERY) + NEXT, [400]),
    "size-with-underscore": (_chunked(b"1_b\r\n%b\r\n0\r\n\r\n" % QUERY) + NEXT, [400]),
    "size-with-space-before": (_chunked(b" 1b\r\n%b\r\n0\r\n\r\n" % QUERY) + NEXT, [400]),
    "size-of-65-bits": (_chunked(b"10000000000000000\r\n%b\r\n0\r\n\r\n" % QUERY) + NEXT, [400]),
    "size-empty": (_chunked(b"\r\n%b\r\n0\r\n\r\n" % QUERY) + NEXT, [400]),
    "size-too-small": (_chunked(b"1a\r\n%b\r\n0\r\n\r\n" % QUERY) + NEXT, [400]),
    "size-too-large": (_chunked(b"1c\r\n%b\r\n0\r\n\r\n" % QUERY) + NEXT, [400]),
    "data-ends-with-bare-lf": (_chunked(b"1b\r\n%b\n0\r\n\r\n" % QUERY) + NEXT, [400]),
    "trailer-with-length": (_chunked(b"1b\r\n%b\r\n0\r\ncontent-length: 5\r\n\r\n" % QUERY) + NEXT, [400]),
    "trailer-with-authorization": (
        _chunked(b"1b\r\n%b\r\n0\r\nauthorization: Bearer x\r\n\r\n" % QUERY) + NEXT,
        [200, 200],
    ),
    "trailer-signs-in": (
        _posted(CHUNKED, b"%x\r\n%b\r\n0\r\nauthorization: <<admin>>\r\n\r\n" % (len(USERS), USERS)) + NEXT,
        [401, 200],
    ),
    "two-megabytes": (_chunked((b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 64 + b"0\r\n\r\n"), [413]),
    "extension-of-a-megabyte": (
        _chunked(b"1b;" + b"a" * 2**20 + b"\r\n%b\r\n0\r\n\r\n" % QUERY),
        [{200, 400, 413, 431}],
    ),
    "trailer-of-a-megabyte": (
        _chunked(b"1b\r\n%b\r\n0\r\nx: " % QUERY + b"a" * 2**20 + b"\r\n\r\n"),
        [{200, 400, 431}],
    ),
}
_HEADS: Mapping[str, Row] = {
    "header-at-the-limit": (GET + b"x: " + b"a" * 65_000 + b"\r\n\r\n", [200]),
    "header-of-64-kib": (GET + b"x: " + b"a" * 65_536 + b"\r\n\r\n", [431]),
    "header-of-a-megabyte": (GET + b"x: " + b"a" * 2**20 + b"\r\n\r\n", [431]),
    "header-without-end": ([GET + b"x: " + b"a" * 2**20, b"a" * 2**20], [431]),
    "name-of-64-kib": (GET + b"a" * 65_536 + b": x\r\n\r\n", [431]),
    "10000-headers": (GET + b"".join(b"x%d: y\r\n" % n for n in range(10_000)) + b"\r\n", [431]),
    "10000-equal-headers": (_posted(b"content-length: 27\r\n" + b"x: y\r\n" * 10_000), [200]),
    "8000-headers-and-one-twice": (_posted(b"content-length: 27\r\n" + MANY + b"z:\r\nz:\r\n"), [200]),
    "10000-empty-lines-before": (b"\r\n" * 10_000 + NEXT, [{200, 400}]),
    "1000-cookies": (GET + b"cookie: a=b\r\n" * 1000 + b"\r\n", [{200, 431}]),
    "folded-header": (GET + b"x: a\r\n b\r\n\r\n", [400]),
    "header-without-colon": (GET + b"nonsense\r\n\r\n", [400]),
    "header-without-name": (GET + b": x\r\n\r\n", [400]),
    "header-begins-with-space": (b"GET /health HTTP/1.1\r\n x: y\r\n" + HOST + b"\r\n", [400]),
    "nul-in-a-header": (GET + b"x: a\0b\r\n\r\n", [400]),
    "bare-cr-in-a-header": (GET + b"x: a\rb\r\n\r\n", [400]),
    "bare-lf-lines": (NEXT.replace(b"\r\n", b"\n"), [400]),
    "name-with-a-space": (GET + b"a b: x\r\n\r\n", [400]),
    "name-with-brackets": (GET + b"a(b): x\r\n\r\n", [400]),
    "name-not-ascii": (GET + "naïve: x\r\n\r\n".encode(), [400]),
    "value-not-ascii": (GET + b"x: \xff\xfe\r\n\r\n", [200]),
    "many-connection-tokens": (GET + b"connection: " + b"keep-alive, " * 1000 + b"close\r\n\r\n", [{200, 431}]),
    "keep-alive-and-close": (GET + b"connection: keep-alive\r\nconnection: close\r\n\r\n", [200]),
}
_HOSTS: Mapping[str, Row] = {
    "none": (b"GET /health HTTP/1.1\r\n\r\n", [{200, 400}]),
    "two": (GET + b"host: other\r\n\r\n", [{200, 400}]),
    "with-a-path": (b"GET /health HTTP/1.1\r\nhost: a/../b?c#d\r\n\r\n", [{200, 400}]),
    "with-crlf-escaped": (b"GET / HTTP/1.1\r\nhost: a%0d%0alocation: http://evil\r\n\r\n", [{307, 400}]),
    "of-8000-characters": (b"GET / HTTP/1.1\r\nhost: " + b"a" * 8000 + b"\r\n\r\n", [{307, 400}]),
    "template": (b"GET / HTTP/1.1\r\nhost: ${jndi:ldap://127.0.0.1/x}\r\n\r\n", [{307, 400}]),
    "bad-port": (b"GET / HTTP/1.1\r\nhost: a:99999999\r\n\r\n", [{307, 400}]),
    "open-bracket": (b"GET / HTTP/1.1\r\nhost: [::1\r\n\r\n", [{307, 400}]),
}
_LINES: Mapping[str, Row] = {
    "http-0.9": (b"GET /health\r\n\r\n", [200]),
    "http-1.0": (b"GET /health HTTP/1.0\r\n\r\n", [200]),
    "http-1.2": (NEXT.replace(b"1.1", b"1.2"), [400]),
    "http-2.0": (NEXT.replace(b"1.1", b"2.0"), [200]),
    "http-9.9": (NEXT.replace(b"1.1", b"9.9"), [400]),
    "http-in-small-letters": (NEXT.replace(b"HTTP", b"http"), [400]),
    "no-version": (b"GET /health\r\n" + HOST + b"\r\n", [200]),
    "http-2-preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", [400]),
    "tls-hello": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\0" * 500, [400]),
    "ssh": (b"SSH-2.0-OpenSSH_9.9\r\n", [400]),
    "smtp": (b"EHLO example.com\r\n", [400]),
    "redis": (b"*1\r\n$4\r\nPING\r\n", [400]),
    "proxy-protocol": (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + NEXT, [400]),
    "all-zeros": (b"\0" * 1000, [400]),
    "all-ones": (b"\xff" * 1000, [400]),
    "line-without-end": ([b"GET /" + b"a" * 200_000, b"a" * 200_000], [431]),
    "two-spaces": (b"GET  /health HTTP/1.1\r\n" + HOST + b"\r\n", [200]),
    "tab-for-a-space": (b"GET\t/health\tHTTP/1.1\r\n" + HOST + b"\r\n", [400]),
    "bare-cr-in-the-line": (b"GET /health\rx HTTP/1.1\r\n" + HOST + b"\r\n", [400]),
    "method-in-small-letters": (b"get /health HTTP/1.1\r\n" + HOST + b"\r\n", [400]),
    "method-unknown": (b"GRAPHQL /graphql HTTP/1.1\r\n" + HOST + b"\r\n", [400]),
    "method-of-10000-letters": (b"A" * 10_000 + b" /graphql HTTP/1.1\r\n" + HOST + b"\r\n", [400]),
    "connect": (b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + b"\r\n", [{400, 404, 405, 501}]),
}
_EXPECTING: Mapping[str, Row] = {
    "continue": (_posted(b"content-length: 27\r\nexpect: 100-continue\r\n"), [200]),
    "continue-and-too-large": (_posted(b"content-length: 999999\r\nexpect: 100-continue\r\n", b""), [413]),
    "continue-of-a-wrong-type": (_posted(b"content-length: 0\r\nexpect: 100-continue\r\n", b""), [400]),
    "unknown-expectation": (_posted(b"content-length: 27\r\nexpect: a-miracle\r\n"), [{200, 417}]),
    "h2c": (
        _posted(
            b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\ncontent-length: 27\r\n"
        ),
        [200],
    ),
    "upgrade-to-the-unknown": (_posted(b"connection: upgrade\r\nupgrade: foo/2\r\ncontent-length: 27\r\n"), [200]),
    "upgrade-to-tls": (_posted(b"connection: upgrade\r\nupgrade: TLS/1.0\r\ncontent-length: 27\r\n"), [200]),
    "h2c-and-the-next": (
        [_posted(UPGRADE + b"content-length: 27\r\n", b""), QUERY, NEXT],
        [200, 200],
    ),
    "h2c-hides-a-request": ([_posted(UPGRADE + b"content-length: %d\r\n" % len(NEXT), b""), NEXT], [400]),
    "h2c-hides-a-request-at-once": (_posted(UPGRADE + b"content-length: %d\r\n" % len(NEXT), NEXT), [400]),
    "h2c-in-chunks": ([_posted(UPGRADE + CHUNKED, b""), CHUNKS, NEXT], [200, 200]),
    "h2c-a-hundred-times": ((GET + UPGRADE + b"\r\n") * 100, [200] * 100),
    "h2c-and-close": (GET + b"connection: close, upgrade\r\nupgrade: h2c\r\n\r\n" + NEXT, [200]),
    "websocket-with-a-body": (_posted(WEBSOCKET + b"content-length: %d\r\n" % len(NEXT), NEXT), [{400, 405}]),
    "websocket-with-a-header-of-9000-characters": (GET + WEBSOCKET + b"x: " + b"a" * 9000 + b"\r\n\r\n", [400]),
    "websocket-with-200-headers": (GET + WEBSOCKET + b"x: y\r\n" * 200 + b"\r\n", [400]),
    "websocket-by-post": (
        _posted(b"connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 27\r\n"),
        [{400, 405}],
    ),
}
_PIPELINES: Mapping[str, Row] = {
    "three": (_posted(b"content-length: 27\r\n") + NEXT + _posted(b"content-length: 27\r\n"), [200, 200, 200]),
    "a-good-and-a-bad-one": (_posted(b"content-length: 27\r\n") + b"nonsense\r\n\r\n", [200]),
    "a-hundred": (NEXT * 100, [200] * 100),
    "websocket-behind-a-request": (_posted(b"content-length: 27\r\n") + GET + WEBSOCKET + b"\r\n", [200]),
    "websocket-behind-three": (NEXT * 3 + GET + WEBSOCKET + b"\r\n", [200, 200, 200]),
    "after-a-refused-body": (_posted(b"content-length: 999999\r\n") + NEXT, [413]),
    "in-single-bytes": ([NEXT[index : index + 1] for index in range(40)] + [NEXT[40:] + b"", NEXT], [200, 200]),
    "split-in-a-character": ([_posted(b"content-length: 27\r\n")[:-9], QUERY[-9:]], [200]),
}
_FAMILIES = {
    "length": _LENGTHS,
    "smuggling": _SMUGGLING,
    "chunks": _CHUNKING,
    "head": _HEADS,
    "host": _HOSTS,
    "line": _LINES,
    "expect": _EXPECTING,
    "pipeline": _PIPELINES,
}


def _raw(name: str, row: Row) -> Raw:
    sent, statuses = row
    return Raw(name, [sent] if isinstance(sent, bytes) else sent, statuses)


ATTACKS: Sequence[Attack] = [
    _raw(f"{family}/{name}", row) for family, rows in _FAMILIES.items() for name, row in rows.items()
]
