"""WebSockets by clients that keep no rule: of the handshake, of frames, and of graphql-transport-ws."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tests.attack.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame, message
from tests.attack.named.kinds import Attack, Spoken
from tests.attack.target import AWAIT, Step

INIT = message(type="connection_init")
HELLO: Sequence[Step] = (INIT, AWAIT)
ACK, NEXT, ERROR, COMPLETE = "connection_ack", "next", "error", "complete"
WATCH = 'subscription { productChanged(ids: ["<<product>>"]) { productId } }'
BAD, UNAUTHORIZED, FORBIDDEN, TAKEN, TWICE = 4400, 4401, 4403, 4409, 4429
BROKEN_FRAME, NOT_TEXT, TOO_BIG = 1002, 1007, 1009
GONE = 1006
"""The connection ended while the client still sent, so that what the server said last is lost."""


HASH = {"version": 1, "sha256Hash": "a" * 64}
LOGOUT = 'mutation { logout(input: {refreshToken: "x"}) { __typename } }'
DEEP = "{ " + "products(first: 1) { nodes { category { " * 5 + "id" + " } } }" * 5 + " }"


def subscribe(query: str, id: Any = "1", **payload: Any) -> bytes:
    """Return a message that subscribes."""
    return message(id=id, type="subscribe", payload={"query": query, **payload})


def text(content: str | bytes) -> bytes:
    """Return a text as a frame."""
    return frame(TEXT, content if isinstance(content, bytes) else content.encode())


# What is said before anybody has introduced themselves.
_EARLY: Mapping[str, tuple[bytes, int]] = {
    "subscribe": (subscribe(WATCH), UNAUTHORIZED),
    "complete": (message(id="1", type="complete"), BAD),
    "next": (message(id="1", type="next", payload={}), BAD),
    "legacy-start": (message(id="1", type="start", payload={"query": WATCH}), BAD),
    "ack": (message(type="connection_ack"), BAD),
    "no-type": (message(id="1"), BAD),
    "init-payload-a-list": (message(type="connection_init", payload=[]), BAD),
    "init-payload-a-text": (message(type="connection_init", payload="x"), BAD),
    "init-payload-a-number": (message(type="connection_init", payload=1), BAD),
    "init-payload-false": (message(type="connection_init", payload=False), BAD),
    "init-authorization-a-list": (message(type="connection_init", payload={"authorization": ["Bearer x"]}), BAD),
    "init-authorization-an-object": (message(type="connection_init", payload={"Authorization": {"a": 1}}), BAD),
    "init-token-nonsense": (message(type="connection_init", payload={"authorization": "Bearer x"}), FORBIDDEN),
    "init-token-basic": (message(type="connection_init", payload={"authorization": "Basic eDp4"}), FORBIDDEN),
    "init-token-huge": (
        message(type="connection_init", payload={"authorization": "Bearer " + "a" * 99_999}),
        FORBIDDEN,
    ),
    "init-deep": (text('{"type":"connection_init","payload":' + '{"a":' * 99 + "1" + "}" * 100), BAD),
    "init-twice-in-an-object": (text('{"type":"ping","type":"connection_init"}'), BAD),
    "graphql": (text("{ __typename }"), BAD),
    "http": (text("GET / HTTP/1.1\r\n\r\n"), BAD),
    "empty": (text(""), BAD),
    "binary": (frame(BINARY, b'{"type":"connection_init"}'), BAD),
}

# What is said afterwards, and ends the connection.
_LATE: Mapping[str, tuple[bytes, int | Collection[int]]] = {
    "init-again": (INIT, TWICE),
    "unknown-type": (message(id="1", type="drop"), BAD),
    "type-a-number": (message(id="1", type=1), BAD),
    "type-null": (message(id="1", type=None), BAD),
    "type-a-list": (message(id="1", type=["ping"]), BAD),
    "type-of-100000": (message(type="x" * 100_000), BAD),
    "type-proto": (message(type="__proto__"), BAD),
    "legacy-stop": (message(id="1", type="stop"), BAD),
    "legacy-terminate": (message(type="connection_terminate"), BAD),
    "server-message-next": (message(id="1", type="next", payload={"data": {}}), BAD),
    "server-message-error": (message(id="1", type="error", payload=[]), BAD),
    "no-json": (text("nonsense"), BAD),
    "json-null": (text("null"), BAD),
    "json-number": (text("1"), BAD),
    "json-list": (text("[]"), BAD),
    "json-batch": (text('[{"type":"ping"},{"type":"ping"}]'), BAD),
    "json-nan": (text('{"type":"ping","payload":{"a":NaN}}'), BAD),
    "json-deep": (text("[" * 100_000), BAD),
    "json-surrogate": (text('{"type":"ping","payload":{"a":"\\ud800"}}'), BAD),
    "json-twice-a-key": (text('{"type":"ping","payload":{"a":1,"a":2}}'), BAD),
    "json-huge-number": (text('{"type":"ping","payload":{"a":' + "9" * 5000 + "}}"), BAD),
    "json-bom": (text("\ufeff" + '{"type":"ping"}'), BAD),
    "json-trailing": (text('{"type":"ping"}{"type":"ping"}'), BAD),
    "nul": (text("\0"), BAD),
    "binary": (frame(BINARY, b'{"type":"ping"}'), BAD),
    "binary-zeros": (frame(BINARY, b"\0" * 1000), BAD),
    "no-utf-8": (text(b"\xff\xfe"), NOT_TEXT),
    "overlong-utf-8": (text(b'{"type":"ping","payload":{"a":"\xc0\xaf"}}'), NOT_TEXT),
    "surrogate-as-utf-8": (text(b"\xed\xa0\x80"), NOT_TEXT),
    "utf-16": (text('{"type":"ping"}'.encode("utf-16")), NOT_TEXT),
    "ping-payload-a-list": (message(type="ping", payload=[1]), BAD),
    "pong-payload-a-text": (message(type="pong", payload="x"), BAD),
    "id-missing": (message(type="subscribe", payload={"query": WATCH}), BAD),
    "id-null": (subscribe(WATCH, None), BAD),
    "id-empty": (subscribe(WATCH, ""), BAD),
    "id-a-number": (subscribe(WATCH, 1), BAD),
    "id-a-list": (subscribe(WATCH, ["1"]), BAD),
    "id-an-object": (subscribe(WATCH, {"a": 1}), BAD),
    "id-of-256": (subscribe(WATCH, "i" * 256), BAD),
    "id-of-100000": (subscribe(WATCH, "i" * 100_000), BAD),
    "complete-without-an-id": (message(type="complete"), BAD),
    "complete-a-list": (message(type="complete", id=[]), BAD),
    "payload-missing": (message(id="1", type="subscribe"), BAD),
    "payload-null": (message(id="1", type="subscribe", payload=None), BAD),
    "payload-a-list": (message(id="1", type="subscribe", payload=[{"query": WATCH}]), BAD),
    "payload-a-text": (message(id="1", type="subscribe", payload=WATCH), BAD),
    "query-missing": (message(id="1", type="subscribe", payload={}), BAD),
    "query-a-list": (subscribe([WATCH]), BAD),  # type: ignore[arg-type]
    "variables-a-list": (subscribe(WATCH, variables=[]), BAD),
    "variables-a-text": (subscribe(WATCH, variables="{}"), BAD),
    "operation-name-an-object": (subscribe(WATCH, operationName={}), BAD),
    "extensions-a-text": (subscribe(WATCH, extensions="x"), BAD),
    "frame-of-129-kib": (text("x" * 132_096), TOO_BIG),
    "frame-of-16-mb": (text("x" * 16_000_000), (TOO_BIG, GONE)),
    "frame-that-announces-8-eib": (b"\x81\xff\x7f" + b"\xff" * 7 + b"\0" * 4, (TOO_BIG, BROKEN_FRAME)),
    "frame-of-a-negative-length": (b"\x81\xff" + b"\xff" * 8 + b"\0" * 4, (TOO_BIG, BROKEN_FRAME)),
    "fragments-of-129-kib": (
        frame(TEXT, b"x", fin=False) + frame(CONTINUATION, b"x" * 1024, fin=False) * 129,
        TOO_BIG,
    ),
    "fragments-of-a-byte": (
        frame(TEXT, b"x", fin=False) + frame(CONTINUATION, b"x", fin=False) * 132_000,
        (TOO_BIG, GONE),
    ),
    "fragment-without-a-start": (frame(CONTINUATION, b"x"), BROKEN_FRAME),
    "message-inside-a-message": (frame(TEXT, b"x", fin=False) + text("x"), BROKEN_FRAME),
    "unmasked": (frame(TEXT, b'{"type":"ping"}', masked=False), BROKEN_FRAME),
    "opcode-3": (frame(0x3, b"x"), BROKEN_FRAME),
    "opcode-7": (frame(0x7, b"x"), BROKEN_FRAME),
    "opcode-b": (frame(0xB, b"x"), BROKEN_FRAME),
    "opcode-f": (frame(0xF), BROKEN_FRAME),
    "reserved-bit-1": (frame(TEXT, b'{"type":"ping"}', reserved=4), BROKEN_FRAME),
    "reserved-bit-2": (frame(TEXT, b'{"type":"ping"}', reserved=2), BROKEN_FRAME),
    "reserved-bit-3": (frame(TEXT, b'{"type":"ping"}', reserved=1), BROKEN_FRAME),
    "ping-of-126": (frame(PING, b"x" * 126), BROKEN_FRAME),
    "ping-of-64-kib": (frame(PING, b"x" * 65_536), BROKEN_FRAME),
    "ping-in-pieces": (frame(PING, b"x", fin=False), BROKEN_FRAME),
    "close-of-126": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), BROKEN_FRAME),
    "close-of-a-byte": (frame(CLOSE, b"\x03"), BROKEN_FRAME),
    "close-code-0": (frame(CLOSE, b"\0\0"), BROKEN_FRAME),
    "close-code-999": (frame(CLOSE, (999).to_bytes(2, "big")), BROKEN_FRAME),
    "close-code-1005": (frame(CLOSE, (1005).to_bytes(2, "big")), BROKEN_FRAME),
    "close-code-1006": (frame(CLOSE, (1006).to_bytes(2, "big")), BROKEN_FRAME),
    "close-code-1015": (frame(CLOSE, (1015).to_bytes(2, "big")), BROKEN_FRAME),
    "close-code-65535": (frame(CLOSE, b"\xff\xff"), BROKEN_FRAME),
    "close-reason-no-utf-8": (frame(CLOSE, b"\x03\xe8\xff\xfe"), NOT_TEXT),
    "close-code-4999": (frame(CLOSE, (4999).to_bytes(2, "big")), 4999),
    "close-without-a-code": (frame(CLOSE), 1005),
    "data-after-close": (frame(CLOSE, b"\x03\xe8") + subscribe(WATCH) * 100, 1000),
    "http-in-the-middle": (b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", BROKEN_FRAME),
    "zeros": (b"\0" * 1000, BROKEN_FRAME),
    "ones": (b"\xff" * 1000, BROKEN_FRAME),
}

# What is said afterwards, and is answered; types and codes of what comes.
_ANSWERED: Mapping[str, tuple[Sequence[Step], Sequence[str], Sequence[str]]] = {
    "ping": ((message(type="ping"),), ["pong"], []),
    "10000-pings": ((message(type="ping") * 3000,), ["pong"] * 3000, []),
    "complete-unknown": ((message(id="x", type="complete"), message(type="ping")), ["pong"], []),
    "complete-1000-unknown": ((message(id="x", type="complete") * 1000, message(type="ping")), ["pong"], []),
    "message-in-pieces": (
        (
            frame(TEXT, b'{"type":', fin=False),
            frame(PING),
            frame(CONTINUATION, b"", fin=False) * 1000,
            frame(CONTINUATION, b'"ping"}'),
        ),
        ["pong"],
        [],
    ),
    "control-pings": ((frame(PING, b"x" * 125) * 1000, message(type="ping")), ["pong"], []),
    "control-pongs": ((frame(PONG, b"x" * 125) * 1000, message(type="ping")), ["pong"], []),
    "query": ((subscribe("{ __typename }"),), [ERROR], ["BAD_REQUEST"]),
    "query-too-deep": ((subscribe(DEEP),), [ERROR], ["QUERY_TOO_DEEP"]),
    "mutation-not-valid": ((subscribe("mutation { logout(input: {}) { __typename } }"),), [ERROR], ["BAD_REQUEST"]),
    "mutation": ((subscribe(LOGOUT),), [ERROR], ["BAD_REQUEST"]),
    "introspection-bomb": (
        (subscribe("{ " + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(9)) + " }"),),
        [ERROR],
        ["TOO_MUCH_INTROSPECTION"],
    ),
    "fragment-bomb": (
        (subscribe("{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A }"),),
        [ERROR],
        ["GRAPHQL_VALIDATION_FAILED"],
    ),
    "syntax": ((subscribe("subscription {"),), [ERROR], ["GRAPHQL_PARSE_FAILED"]),
    "unknown-field": ((subscribe("subscription { passwords }"),), [ERROR], ["GRAPHQL_VALIDATION_FAILED"]),
    "two-root-fields": (
        (subscribe('subscription { a: productChanged(ids: ["x"]) { productId } b: orderChanged { orderId } }'),),
        [ERROR],
        ["GRAPHQL_VALIDATION_FAILED"],
    ),
    "root-fields-by-a-fragment": (
        (
            subscribe(
                "subscription { ...A } fragment A on Subscription "
                '{ productChanged(ids: ["x"]) { productId } orderChanged { orderId } }'
            ),
        ),
        [ERROR],
        ["GRAPHQL_VALIDATION_FAILED"],
    ),
    "typename-only": ((subscribe("subscription { __typename }"),), [ERROR], ["GRAPHQL_VALIDATION_FAILED"]),
    "skipped": (
        (subscribe('subscription { productChanged(ids: ["x"]) @skip(if: true) { productId } }'),),
        [ERROR],
        ["GRAPHQL_VALIDATION_FAILED"],
    ),
    "101-products": (
        (
            subscribe(
                "subscription ($ids: [ID!]!) { productChanged(ids: $ids) { productId } }",
                variables={"ids": ["prod_1"] * 101},
            ),
        ),
        [ERROR],
        ["BAD_USER_INPUT"],
    ),
    "no-products": (
        (subscribe("subscription { productChanged(ids: []) { productId } }"),),
        [ERROR],
        ["BAD_USER_INPUT"],
    ),
    "ids-of-sql": (
        (
            subscribe(
                "subscription ($ids: [ID!]!) { productChanged(ids: $ids) { product { name } } }",
                variables={"ids": ["' OR 1=1 --"]},
            ),
        ),
        [NEXT],
        [],
    ),
    "variables-of-wrong-types": (
        (
            subscribe(
                "subscription ($ids: [ID!]!) { productChanged(ids: $ids) { productId } }", variables={"ids": {"a": 1}}
            ),
        ),
        [ERROR],
        ["BAD_USER_INPUT"],
    ),
    "not-signed-in": ((subscribe("subscription { orderChanged { orderId } }"),), [ERROR], ["UNAUTHENTICATED"]),
    "id-of-255": ((subscribe("{ __typename }", "i" * 255),), [ERROR], ["BAD_REQUEST"]),
    "id-of-quotes": ((subscribe("{ __typename }", '"},{"type":"x'),), [ERROR], ["BAD_REQUEST"]),
    "id-proto": ((subscribe("{ __typename }", "__proto__"),), [ERROR], ["BAD_REQUEST"]),
    "id-again-after-its-end": (
        (subscribe("{ __typename }"), AWAIT, subscribe("{ __typename }")),
        [ERROR, ERROR],
        ["BAD_REQUEST"],
    ),
    "message-after-complete": (
        (subscribe(WATCH), AWAIT, message(id="1", type="complete"), message(id="1", type="complete"), subscribe(WATCH)),
        [NEXT, NEXT],
        [],
    ),
    "21-subscriptions": (
        (*(subscribe(WATCH, str(n)) for n in range(20)), *[AWAIT] * 20, subscribe(WATCH, "20")),
        [NEXT] * 20 + [ERROR],
        ["BAD_USER_INPUT"],
    ),
    "persisted": (
        (message(id="1", type="subscribe", payload={"extensions": {"persistedQuery": HASH}}),),
        [ERROR],
        ["PERSISTED_QUERY_NOT_SUPPORTED"],
    ),
}

_HANDSHAKES: Mapping[str, tuple[Mapping[str, str], int, int | None]] = {
    "no-key": ({"sec-websocket-key": ""}, 400, None),
    "key-too-short": ({"sec-websocket-key": "YQ=="}, 400, None),
    "key-no-base64": ({"sec-websocket-key": "%%%%"}, 400, None),
    "key-of-8000": ({"sec-websocket-key": "A" * 8000}, 400, None),
    "no-version": ({"sec-websocket-version": ""}, 400, None),
    "version-8": ({"sec-websocket-version": "8"}, 400, None),
    "version-99": ({"sec-websocket-version": "99"}, 400, None),
    "versions": ({"sec-websocket-version": "13, 13"}, 400, None),
    "protocol-legacy": ({"sec-websocket-protocol": "graphql-ws"}, 101, 4406),
    "protocol-unknown": ({"sec-websocket-protocol": "soap"}, 101, 4406),
    "protocol-empty": ({"sec-websocket-protocol": ""}, 400, None),
    "protocol-in-capitals": ({"sec-websocket-protocol": "GRAPHQL-TRANSPORT-WS"}, 101, 4406),
    "1000-protocols": ({"sec-websocket-protocol": ", ".join(f"p{n}" for n in range(1000))}, 101, 4406),
    "extension-deflate": ({"sec-websocket-extensions": "permessage-deflate; client_max_window_bits=99"}, 101, BAD),
    "extension-unknown": ({"sec-websocket-extensions": "x-webkit-deflate-frame"}, 101, BAD),
    "extension-nonsense": ({"sec-websocket-extensions": "a=;;;,,=b"}, 101, BAD),
    "origin-foreign": ({"origin": "https://evil.example"}, 403, None),
    "origin-null": ({"origin": "null"}, 403, None),
    "origin-empty": ({"origin": ""}, 403, None),
    "origin-like-ours": ({"origin": "http://<<host>>.evil.example"}, 403, None),
    "origin-with-a-path": ({"origin": "http://<<host>>/graphql"}, 403, None),
    "origin-of-a-file": ({"origin": "file://"}, 403, None),
    "origin-twice": ({"origin": "http://<<host>>, https://evil.example"}, 403, None),
    "token-bad": ({"authorization": "Bearer x"}, 101, BAD),
}


def _handshake(name: str, headers: Mapping[str, str], status: int, close: int | None) -> Attack:
    return Spoken(f"ws-handshake/{name}", (text("nonsense"),), close=close, headers=headers, status=status)


def _customer(name: str, query: str, code: str = "", data: Any = None) -> Attack:
    types = [ACK, ERROR] if code else [ACK, NEXT]
    codes = [code] if code else []
    return Spoken(f"ws-rights/{name}", (*HELLO, subscribe(query)), types=types, codes=codes, data=data, who="customer")


ATTACKS: Sequence[Attack] = [
    *(Spoken(f"ws-early/{name}", (said,), close=close, types=[]) for name, (said, close) in _EARLY.items()),
    *(Spoken(f"ws/{name}", (*HELLO, said), close=close, types=[ACK]) for name, (said, close) in _LATE.items()),
    *(
        Spoken(f"ws/{name}", (*HELLO, *said), types=[ACK, *types], codes=codes)
        for name, (said, types, codes) in _ANSWERED.items()
    ),
    *(_handshake(name, *row) for name, row in _HANDSHAKES.items()),
    Spoken("ws/same-id-twice", (*HELLO, subscribe(WATCH), AWAIT, subscribe(WATCH)), close=TAKEN, types=[ACK, NEXT]),
    _customer(
        "foreign-order",
        'subscription { orderChanged(id: "<<foreign>>") { order { totalAmount } } }',
        data={"orderChanged": {"order": None}},
    ),
    _customer(
        "unknown-order",
        'subscription { orderChanged(id: "ord_999999999") { order { id } } }',
        data={"orderChanged": {"order": None}},
    ),
    _customer(
        "own-order-and-who-did-it",
        'subscription { orderChanged(id: "<<own>>") { order { history { actor } } } }',
        code="FORBIDDEN",
    ),
    _customer("users", "{ users { nodes { email } } }", code="BAD_REQUEST"),
    _customer(
        "role",
        'mutation { setUserRole(input: {userId: "<<customer>>", role: ADMIN}) { __typename } }',
        code="BAD_REQUEST",
    ),
]
