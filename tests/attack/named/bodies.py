"""Bodies that are no request, or that readers of JSON disagree about."""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence

from tests.attack.named.kinds import Attack, Expectation, Sent, answered, refused

QUERY = b'{"query": "{ __typename }"}'
TYPENAME = answered({"__typename": "Query"})
LIMIT = 131_072
BOMB = gzip.compress(b" " * 10_000_000 + QUERY)
FORM = b"query=%7B__typename%7D"


def _multipart(name: str, value: str, more: str = "") -> bytes:
    return f'--b\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n{more}--b--\r\n'.encode()


_UPLOAD = _multipart("operations", '{"query": "{ __typename }"}', _multipart("map", "{}").decode()[: -len("--b--\r\n")])


def with_variables(text: bytes) -> bytes:
    """Return a request with these variables."""
    return b'{"query": "{ __typename }", "variables": ' + text + b"}"


_BY_CODE: Mapping[str, Mapping[str, bytes]] = {
    "BAD_REQUEST": {
        "null": b"null",
        "one": b"1",
        "true": b"true",
        "text": b'"x"',
        "float-exponent": b"1e300",
        "empty-object": b"{}",
        "query-null": b'{"query": null}',
        "query-empty": b'{"query": ""}',
        "query-only-spaces": b'{"query": " \\n\\t"}',
        "query-a-number": b'{"query": 1}',
        "query-a-list": b'{"query": ["{ __typename }"]}',
        "query-an-object": b'{"query": {"kind": "Document"}}',
        "query-in-capitals": b'{"QUERY": "{ __typename }"}',
        "variables-a-list": with_variables(b"[]"),
        "variables-a-text": with_variables(b'"{}"'),
        "variables-a-number": with_variables(b"0"),
        "variables-true": with_variables(b"true"),
        "operation-name-a-list": b'{"query": "{ __typename }", "operationName": []}',
        "operation-name-an-object": b'{"query": "{ __typename }", "operationName": {"$ne": null}}',
        "operation-name-a-number": b'{"query": "{ __typename }", "operationName": 0}',
        "extensions-a-text": b'{"query": "{ __typename }", "extensions": "x"}',
        "extensions-a-list": b'{"query": "{ __typename }", "extensions": [1]}',
        "prototype-pollution": b'{"__proto__": {"query": "{ __typename }"}}',
        "constructor-pollution": b'{"constructor": {"prototype": {"query": "{ __typename }"}}}',
    },
    "BATCHING_UNSUPPORTED": {
        "batch-of-none": b"[]",
        "batch-of-null": b"[null]",
        "batch-of-one": b"[" + QUERY + b"]",
        "batch-of-a-thousand": b"[" + b",".join([QUERY] * 1000) + b"]",
    },
    "EMPTY_BODY": {"nothing": b"", "spaces": b" \r\n\t "},
    "INVALID_UTF8": {
        "latin-1": b'{"query": "{ __typename } #\xe9"}',
        "overlong-slash": b'{"query": "{ __typename } #\xc0\xaf"}',
        "surrogate-as-utf-8": b'{"query": "{ __typename } #\xed\xa0\x80"}',
        "beyond-unicode": b'{"query": "{ __typename } #\xf4\x90\x80\x80"}',
        "five-byte-utf-8": b'{"query": "{ __typename } #\xf8\x88\x80\x80\x80"}',
        "cut-in-a-character": b'{"query": "{ __typename } #\xe2\x82"}',
        "only-ff": b"\xff" * 100,
        "utf-16": QUERY.decode().encode("utf-16"),
        "utf-16-le": QUERY.decode().encode("utf-16-le"),
        "utf-16-be": QUERY.decode().encode("utf-16-be"),
        "utf-32": QUERY.decode().encode("utf-32"),
        "utf-32-be": QUERY.decode().encode("utf-32-be"),
        "utf-8-bom": b"\xef\xbb\xbf" + QUERY,
        "nul-behind": QUERY + b"\0",
        "nul-before": b"\0" + QUERY,
        "gzip-not-announced": gzip.compress(QUERY),
    },
    "INVALID_JSON": {
        "truncated": QUERY[:-1],
        "truncated-in-a-text": QUERY[:-4],
        "garbage-behind": QUERY + b"x",
        "second-document-behind": QUERY + QUERY,
        "line-delimited": QUERY + b"\n" + QUERY,
        "trailing-comma": QUERY[:-1] + b",}",
        "single-quotes": b"{'query': '{ __typename }'}",
        "comment": b"/* */" + QUERY,
        "line-comment": QUERY + b"// end",
        "graphql": b"{ __typename }",
        "xml": b'<?xml version="1.0"?><!DOCTYPE q [<!ENTITY x SYSTEM "file:///etc/passwd">]><q>&x;</q>',
        "yaml": b"query: '{ __typename }'",
        "pickle": b"cposix\nsystem\n(S'id'\ntR.",
        "nan": with_variables(b'{"a": NaN}'),
        "infinity": with_variables(b'{"a": Infinity}'),
        "minus-infinity": with_variables(b'{"a": -Infinity}'),
        "exponent-too-large": with_variables(b'{"a": 1e999}'),
        "exponent-of-a-billion": with_variables(b'{"a": 1e1000000000}'),
        "integer-of-5000-digits": with_variables(b'{"a": ' + b"9" * 5000 + b"}"),
        "leading-zero": with_variables(b'{"a": 01}'),
        "plus-sign": with_variables(b'{"a": +1}'),
        "hexadecimal": with_variables(b'{"a": 0x10}'),
        "point-without-digits": with_variables(b'{"a": 1.}'),
        "high-surrogate": b'{"query": "{ __typename } #\\ud800"}',
        "low-surrogate-in-a-key": with_variables(b'{"\\udfff": 1}'),
        "surrogates-swapped": with_variables(b'{"a": "\\udc00\\ud800"}'),
        "short-escape": with_variables(b'{"a": "\\u12"}'),
        "unknown-escape": with_variables(b'{"a": "\\x41"}'),
        "raw-newline-in-a-text": b'{"query": "{ __typename }\n"}',
        "raw-control-character": b'{"query": "{ __typename } \x01"}',
        "unquoted-key": b"{query: 1}",
        "undefined": with_variables(b"undefined"),
    },
    "JSON_TOO_DEEP": {
        "lists-100000-deep": b"[" * 100_000,
        "lists-60000-deep-and-closed": b"[" * 60_000 + b"]" * 60_000,
        "objects-20000-deep": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        "variables-33-deep": with_variables(b'{"a":' * 32 + b"1" + b"}" * 32),
        "extensions-deep": b'{"query": "{ __typename }", "extensions": ' + b'{"a":' * 99 + b"1" + b"}" * 100,
    },
    "DUPLICATE_KEY": {
        "duplicate-query": b'{"query": "{ a }", "query": "{ __typename }"}',
        "duplicate-query-escaped": b'{"query": "{ a }", "\\u0071uery": "{ __typename }"}',
        "duplicate-variables": b'{"query": "{ __typename }", "variables": {}, "variables": {"a": 1}}',
        "duplicate-operation-name": b'{"query": "{ __typename }", "operationName": "A", "operationName": null}',
        "duplicate-key-in-variables": with_variables(b'{"id": "prod_1", "id": "prod_2"}'),
        "duplicate-key-in-a-list": with_variables(b'{"a": [{"b": 1, "b": 1}]}'),
        "duplicate-key-deep": with_variables(b'{"a": {"b": {"c": {"d": 1, "d": 2}}}}'),
        "duplicate-key-of-odd-text": with_variables(b'{"\\":": "\\":", "\\":": 1}'),
    },
}

_TAKEN: Mapping[str, bytes] = {
    "odd-whitespace": b' \n{"query"\t: "{ __typename }"} ',
    "padded-to-the-limit": QUERY + b" " * (LIMIT - len(QUERY)),
    "unknown-members": b'{"query": "{ __typename }", "__proto__": {"admin": true}, "role": "admin"}',
    "unknown-variables": with_variables(b'{"__proto__": {"admin": true}, "constructor": null, "": 1}'),
    "7000-variables": with_variables(json.dumps({f"v{n}": n for n in range(7000)}).encode()),
    "empty-keys": with_variables(b'{"": {"": {"": ""}}}'),
    "integer-of-64-bits": with_variables(b'{"a": 18446744073709551615, "b": -9223372036854775808}'),
    "float-of-many-digits": with_variables(b'{"a": 0.' + b"3" * 5000 + b"}"),
    "denormal-float": with_variables(b'{"a": 5e-324, "b": 1e-999}'),
    "escaped-solidus-and-nul": with_variables(b'{"a": "\\/\\u0000"}'),
    "line-separators": with_variables('{"a": "\u2028\u2029\u202e"}'.encode()),
    "variables-null": with_variables(b"null"),
    "extensions-null": b'{"query": "{ __typename }", "extensions": null}',
    "colons-in-texts": with_variables(b'{"a": "\\":\\"a\\":1,", "b": ": : :"}'),
    "brackets-in-texts": with_variables(b'{"a": "' + b"[{" * 10_000 + b'"}'),
}


_MEDIA_TYPES: Mapping[str, tuple[str | None, bytes]] = {
    "none": (None, QUERY),
    "empty": ("", QUERY),
    "text-plain": ("text/plain", QUERY),
    "text-plain-with-json-behind": ("text/plain; application/json", QUERY),
    "json-as-a-parameter": ("text/plain; a=application/json; charset=utf-8", QUERY),
    "json-as-a-beginning": ("application/jsonx", QUERY),
    "json-as-an-end": ("xapplication/json", QUERY),
    "json-by-suffix": ("application/graphql+json", QUERY),
    "two-types": ("application/json, text/plain", QUERY),
    "graphql": ("application/graphql", b"{ __typename }"),
    "response-type": ("application/graphql-response+json", QUERY),
    "form": ("application/x-www-form-urlencoded", FORM),
    "form-with-json": ("application/x-www-form-urlencoded", QUERY),
    "multipart": ("multipart/form-data; boundary=b", _multipart("query", "{ __typename }")),
    "multipart-upload": ("multipart/form-data; boundary=b", _UPLOAD),
    "multipart-without-boundary": ("multipart/form-data", _multipart("query", "{ __typename }")),
    "octet-stream": ("application/octet-stream", QUERY),
    "xml": ("application/xml", b"<query/>"),
    "charset-utf-16": ("application/json; charset=utf-16", QUERY.decode().encode("utf-16")),
    "charset-utf-7": ("application/json; charset=utf-7", QUERY),
    "charset-latin-1": ("application/json; charset=iso-8859-1", QUERY),
    "charset-unknown": ("application/json; charset=../../etc/passwd", QUERY),
    "charset-twice": ("application/json; charset=utf-16; charset=utf-8", QUERY),
    "of-10000-characters": ("application/json" + "x" * 10_000, QUERY),
    "non-breaking-space": ("application/json\xa0", QUERY),
}
_ENCODINGS = {
    "gzip": ("gzip", gzip.compress(QUERY)),
    "gzip-bomb": ("gzip", BOMB),
    "deflate-bomb": ("deflate", zlib.compress(b" " * 10_000_000)),
    "gzip-in-gzip": ("gzip, gzip", gzip.compress(BOMB)),
    "identity-and-gzip": ("identity, gzip", gzip.compress(QUERY)),
    "br": ("br", QUERY),
    "zstd": ("zstd", QUERY),
    "x-gzip": ("x-gzip", gzip.compress(QUERY)),
    "unknown": ("../../etc/passwd", QUERY),
}


def _named(kind: str, rows: Mapping[str, bytes], expects: Expectation) -> list[Attack]:
    return [Sent(f"{kind}/{name}", expects, body) for name, body in rows.items()]


def _media_types() -> list[Attack]:
    expects = refused("MEDIA_TYPE_UNSUPPORTED", status=415)
    return [
        Sent(f"media-type/{name}", expects, body, headers={} if given is None else {"content-type": given})
        for name, (given, body) in _MEDIA_TYPES.items()
    ]


def _encodings() -> list[Attack]:
    expects = refused("CONTENT_ENCODING_UNSUPPORTED", status=415)
    return [
        Sent(f"encoding/{name}", expects, body, headers={"content-type": "application/json", "content-encoding": given})
        for name, (given, body) in _ENCODINGS.items()
    ]


ATTACKS: Sequence[Attack] = [
    *(attack for code, rows in _BY_CODE.items() for attack in _named("body", rows, refused(code, status=400))),
    *_named("body", _TAKEN, TYPENAME),
    Sent("body/one-byte-too-long", refused("BODY_TOO_LARGE", status=413), QUERY + b" " * (LIMIT + 1 - len(QUERY))),
    Sent("body/a-megabyte", refused("BODY_TOO_LARGE", status=413), b" " * 2**20),
    *_media_types(),
    *_encodings(),
]
