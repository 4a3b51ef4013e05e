"""Bodies that are no request, or that readers of JSON disagree about."""

from collections.abc import Sequence

from tests.attack.named.kinds import Attack, Expectation, Sent, answered, refused

QUERY = b'{"query": "{ __typename }"}'

_TYPENAME = answered({"__typename": "Query"})


def _invalid(code: str) -> Expectation:
    return refused(code, status=400)


_ROWS: Sequence[tuple[str, bytes, Expectation]] = [
    ("null", b"null", _invalid("BAD_REQUEST")),
    ("one", b"1", _invalid("BAD_REQUEST")),
    ("text", b'"x"', _invalid("BAD_REQUEST")),
    ("batch-of-null", b"[null]", _invalid("BATCHING_UNSUPPORTED")),
    ("nothing", b"", _invalid("EMPTY_BODY")),
    ("only-just-right", b' \n{"query"\t: "{ __typename }"} ', _TYPENAME),
]

ATTACKS: Sequence[Attack] = [Sent(f"body/{name}", expects, body) for name, body, expects in _ROWS]
