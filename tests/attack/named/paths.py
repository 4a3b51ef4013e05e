"""Requests for what is not there, by methods that are not meant, and through URLs instead of bodies."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from tests.attack.named.kinds import Attack, Expectation, Sent, answered, both, refused, status

QUERY = b'{"query": "{ __typename }"}'
ASKED = quote("{ __typename }")
LOGOUT = quote('mutation { logout(input: {refreshToken: "x"}) { __typename } }')
HTML = {"accept": "text/html"}
SECRETS = ("root:", "[project]", "SHOP_SECRETS", "def create_app")

_NOT_THERE = [
    "//graphql",
    "/graphql//",
    "/graphql/..%2f",
    "/graphql/%2e%2e/graphql",
    "/./graphql",
    "/x/../graphql",
    "/graphql%00",
    "/graphql%00.json",
    "/graphql;a=b",
    "/graphql%0d%0ax:y",
    "/graphql%ff",
    "/GRAPHQL",
    "/%2567raphql",
    "/graphql.php",
    "/graphql/console",
    "/graphiql/assets/../../app.py",
    "/graphiql/assets/..%2f..%2f..%2fapp.py",
    "/graphiql/assets/%2e%2e/%2e%2e/%2e%2e/pyproject.toml",
    "/graphiql/assets/....//....//app.py",
    "/graphiql/assets//etc/passwd",
    "/graphiql/assets/%2fetc%2fpasswd",
    "/graphiql/assets/%00",
    "/graphiql/assets/%ff%fe",
    "/graphiql/assets/" + "a" * 5000,
    "/graphiql/assets/" + "../" * 500 + "etc/passwd",
    "/shop/../../etc/passwd",
    "/shop/assets/..%2f..%2findex.html",
    "/etc/passwd",
    "/../../../../etc/passwd",
    "/..%5c..%5cwindows",
    "/%c0%ae%c0%ae/etc/passwd",
    "/.env",
    "/.git/config",
    "/pyproject.toml",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/admin",
    "/actuator/env",
    "/server-status",
    "/debug/pprof",
    "/playground",
    "/altair",
    "/voyager",
    "/v1/graphql",
    "/health/",
    "/ready/../graphql",
    "/${jndi:ldap:%2f%2f127.0.0.1%2fx}",
    "/{{7*7}}",
    "/<script>alert(1)</script>",
    "/a%0d%0aset-cookie:%20x=y",
    "/" + "a" * 30_000,
    "/" + "a/" * 15_000,
]


def _tells_nothing(*statuses: int) -> Expectation:
    return both(status(*statuses), *(status(*statuses, without=secret) for secret in SECRETS))


_METHODS: Mapping[str, tuple[str, str, Expectation]] = {
    "put": ("PUT", "/graphql", refused("METHOD_NOT_ALLOWED", status=405)),
    "delete": ("DELETE", "/graphql", refused("METHOD_NOT_ALLOWED", status=405)),
    "patch": ("PATCH", "/graphql", refused("METHOD_NOT_ALLOWED", status=405)),
    "trace": ("TRACE", "/graphql", status(405, allow="GET, POST")),
    "options": ("OPTIONS", "/graphql", refused("METHOD_NOT_ALLOWED", status=405)),
    "head": ("HEAD", f"/graphql?query={ASKED}", status(405)),
    "propfind": ("PROPFIND", "/graphql", refused("METHOD_NOT_ALLOWED", status=405)),
    "query": ("QUERY", "/graphql", refused("METHOD_NOT_ALLOWED", status=405)),
    "options-of-the-server": ("OPTIONS", "*", status(400, 404, 405)),
    "post-health": ("POST", "/health", status(405)),
    "trace-health": ("TRACE", "/health", status(405)),
    "head-health": ("HEAD", "/health", status(200)),
    "delete-ready": ("DELETE", "/ready", status(405)),
}

_OVERRIDES = {
    "method-override": {"x-http-method-override": "POST"},
    "method-override-2": {"x-http-method": "POST", "x-method-override": "POST"},
    "original-url": {"x-original-url": "/admin", "x-rewrite-url": "/admin"},
    "forwarded": {"x-forwarded-for": "127.0.0.1, ::1", "forwarded": "for=127.0.0.1", "x-real-ip": "127.0.0.1"},
    "forwarded-nonsense": {
        "x-forwarded-for": "' OR 1=1 --, ${jndi:ldap://127.0.0.1/x}",
        "x-forwarded-proto": "x" * 999,
    },
    "tracing": {"x-apollo-tracing": "1", "apollo-federation-include-trace": "ftv1"},
    "debug": {"x-debug": "1", "x-forwarded-host": "localhost", "x-developer": "true", "x-role": "admin"},
    "range": {"range": "bytes=0-1,1-2,0-,-1"},
    "huge-range": {"range": "bytes=" + ",".join("0-" for _ in range(5000))},
    "conditional": {"if-none-match": "*", "if-modified-since": "Tue, 24 Nov 2099 00:00:00 GMT"},
    "cookie": {"cookie": "session=admin; role=admin; token=x"},
    "log-forging": {"user-agent": "x\t[31mBug 0123 \u00ff", "referer": "%0d%0aBug 0123 at None"},
    "accept-language": {"accept-language": "../../../etc/passwd"},
    "trace-parent": {"traceparent": "00-" + "f" * 999},
}

_ACCEPTS: Mapping[str, tuple[str, int]] = {
    "nothing-known": ("image/png", 406),
    "text": ("text/plain", 406),
    "json-refused": ("application/json;q=0", 406),
    "quality-nonsense": ("application/json;q=banana", 200),
    "quality-negative": ("application/json;q=-1", 200),
    "quality-nan": ("application/json;q=nan", 200),
    "quality-huge": ("application/json;q=1e999", 200),
    "10000-types": (",".join(["a/b"] * 10_000), 406),
    "10000-semicolons": ("application/json" + ";" * 10_000, 200),
    "only-commas": ("," * 10_000, 406),
    "empty": ("", 406),
    "crlf-escaped": ("application/json%0d%0aset-cookie: a=b", 406),
    "any": ("*/*", 200),
}

_GETS: Mapping[str, tuple[str, Expectation]] = {
    "mutation": (f"query={LOGOUT}", refused("METHOD_NOT_ALLOWED", status=405)),
    "mutation-behind-a-query": (
        "query="
        + quote("query A { __typename } mutation B { logout(input: {refreshToken: 1}) { __typename } }")
        + "&operationName=B",
        refused("METHOD_NOT_ALLOWED", status=405),
    ),
    "subscription": (
        "query=" + quote("subscription { orderChanged { orderId } }"),
        refused("SUBSCRIPTION_TRANSPORT", status=400),
    ),
    "no-query": ("", refused("BAD_REQUEST", status=400)),
    "query-empty": ("query=", refused("BAD_REQUEST", status=400)),
    "query-twice": (f"query={ASKED}&query={ASKED}", refused("DUPLICATE_KEY", status=400)),
    "query-as-a-list": (f"query[]={ASKED}", refused("BAD_REQUEST", status=400)),
    "query-escaped-twice": (f"query={quote(ASKED)}", refused("GRAPHQL_PARSE_FAILED", status=400)),
    "no-utf-8": ("query=%ff%fe", refused("INVALID_UTF8", status=400)),
    "overlong-utf-8": ("query=%c0%af", refused("INVALID_UTF8", status=400)),
    "surrogate": ("query=%ed%a0%80", refused("INVALID_UTF8", status=400)),
    "variables-no-json": (f"query={ASKED}&variables=x", refused("INVALID_JSON", status=400)),
    "variables-a-list": (f"query={ASKED}&variables=[]", refused("BAD_REQUEST", status=400)),
    "variables-deep": (f"query={ASKED}&variables=" + "[" * 5000, refused("JSON_TOO_DEEP", status=400)),
    "variables-duplicate": (f'query={ASKED}&variables=%7B"a":1,"a":2%7D', refused("DUPLICATE_KEY", status=400)),
    "60-parameters": (f"query={ASKED}" + "&a=1" * 60, refused("BAD_REQUEST", status=400)),
    "20000-separators": (f"query={ASKED}" + "&" * 20_000, refused("BAD_REQUEST", status=400)),
    "half-escapes": ("query=%&a=%1&b=%zz", refused("GRAPHQL_PARSE_FAILED", status=400)),
    "semicolon-as-separator": (f"a=b;query={ASKED}", refused("BAD_REQUEST", status=400)),
    "array-of-operations": ("query=[]", refused("GRAPHQL_PARSE_FAILED", status=400)),
    "good": (f"query={ASKED}&variables=%7B%7D&operationName=", answered({"__typename": "Query"})),
    "persisted-unknown": (
        "extensions=" + quote(json.dumps({"persistedQuery": {"version": 1, "sha256Hash": "a" * 64}})),
        refused("PERSISTED_QUERY_NOT_SUPPORTED", status=400),
    ),
    "persisted-odd": ("extensions=" + quote('{"persistedQuery": {"sha256Hash": ["a"]}}'), status(400)),
    "document-unknown": ("documentId=../../etc/passwd", refused("DOCUMENT_NOT_FOUND", status=400)),
    "document-of-a-megabyte": ("documentId=" + "a" * 50_000, refused("DOCUMENT_NOT_FOUND", status=400)),
}

BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)", "accept": "*/*"}
EVIL = {"host": "evil.example", "x-forwarded-host": "evil.example"}
FOREIGN = {"origin": "https://evil.example"}
_PAGES: Mapping[str, tuple[Mapping[str, str], Expectation]] = {
    "image": (
        BROWSER | {"sec-fetch-site": "cross-site", "accept": "image/*, */*"},
        refused("PREFLIGHT_REQUIRED", status=403),
    ),
    "fetch": (BROWSER | FOREIGN | {"sec-fetch-site": "cross-site"}, refused("PREFLIGHT_REQUIRED", status=403)),
    "null-origin": (BROWSER | {"origin": "null"}, refused("PREFLIGHT_REQUIRED", status=403)),
    "null-origin-and-no-browser": ({"origin": "null"}, refused("PREFLIGHT_REQUIRED", status=403)),
    "same-site": (BROWSER | {"sec-fetch-site": "same-site"}, refused("PREFLIGHT_REQUIRED", status=403)),
    "old-browser": (BROWSER, refused("PREFLIGHT_REQUIRED", status=403)),
    "origin-like-ours": ({"origin": "http://<<host>>.evil.example"}, refused("PREFLIGHT_REQUIRED", status=403)),
    "two-origins": ({"origin": "http://<<host>>, https://evil.example"}, refused("PREFLIGHT_REQUIRED", status=403)),
    "asked-about": (FOREIGN | {"x-requested-with": "x"}, status(200, access_control_allow_origin=None)),
}
_POSTS: Mapping[str, tuple[Mapping[str, str], Expectation]] = {
    "text-plain": (FOREIGN | {"content-type": "text/plain"}, refused("MEDIA_TYPE_UNSUPPORTED", status=415)),
    "form": (
        FOREIGN | {"content-type": "application/x-www-form-urlencoded"},
        refused("MEDIA_TYPE_UNSUPPORTED", status=415),
    ),
    "multipart": (
        FOREIGN | {"content-type": "multipart/form-data; boundary=b"},
        refused("MEDIA_TYPE_UNSUPPORTED", status=415),
    ),
    "beacon-without-a-type": (FOREIGN, refused("MEDIA_TYPE_UNSUPPORTED", status=415)),
    "json-is-not-readable": (
        FOREIGN | {"content-type": "application/json"},
        status(200, access_control_allow_origin=None, access_control_allow_credentials=None),
    ),
    "null-origin": (
        {"origin": "null", "content-type": "application/json"},
        status(200, access_control_allow_origin=None),
    ),
}


def _preflight(name: str, headers: Mapping[str, str]) -> Attack:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type, authorization"}
    expects = status(405, access_control_allow_origin=None, access_control_allow_methods=None)
    return Sent(f"preflight/{name}", expects, method="OPTIONS", headers={**asked, **headers})


def _got(kind: str, name: str, query: str, expects: Expectation, headers: Mapping[str, str]) -> Attack:
    accept = {"accept": "application/graphql-response+json", **headers}
    return Sent(f"{kind}/{name}", expects, method="GET", path=f"/graphql?{query}", headers=accept)


JSON = {"content-type": "application/json"}

ATTACKS: Sequence[Attack] = [
    *(
        Sent(f"path/{path[:60]}", _tells_nothing(404, 400), method="GET", path=path, headers=HTML)
        for path in _NOT_THERE
    ),
    *(
        Sent(f"method/{name}", expects, QUERY if method in ("PUT", "PATCH") else b"", method, path)
        for name, (method, path, expects) in _METHODS.items()
    ),
    *(
        Sent(f"header/{name}", answered({"__typename": "Query"}), QUERY, headers={**JSON, **headers})
        for name, headers in _OVERRIDES.items()
    ),
    *(
        Sent(f"accept/{name}", status(wanted), QUERY, headers={**JSON, "accept": accept})
        for name, (accept, wanted) in _ACCEPTS.items()
    ),
    *(_got("get", name, query, expects, {}) for name, (query, expects) in _GETS.items()),
    *(_got("csrf-get", name, f"query={ASKED}", expects, headers) for name, (headers, expects) in _PAGES.items()),
    *(Sent(f"csrf-post/{name}", expects, QUERY, headers=headers) for name, (headers, expects) in _POSTS.items()),
    *(
        Sent(f"redirect/{path}", status(307, location="/graphql"), method="GET", path=path, headers=EVIL)
        for path in ("/", "/graphql/")
    ),
    _preflight("foreign", FOREIGN),
    _preflight("null", {"origin": "null"}),
    _preflight("private-network", FOREIGN | {"access-control-request-private-network": "true"}),
]
