"""Tokens that are forged, misplaced or used again, and guesses at passwords."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from tests.attack.ground import PASSWORD
from tests.attack.named.changes import mutation
from tests.attack.named.kinds import Attack, Scripted, Sent, answered, document, one_of, refused
from tests.attack.target import JSON, Target, judge
from tests.auth.forging import OTHER_SECRET, encoded, forged, key_id, unsigned
from tests.chaos.server import SECRET

NOW = int(time.time())
HEADER = {"alg": "HS256", "kid": key_id(SECRET), "typ": "at+jwt"}
CLAIMS = {
    "iss": "shop-graphql",
    "aud": "shop-graphql",
    "sub": "user_1000000000",
    "role": "admin",
    "iat": NOW,
    "exp": NOW + 86_400,
}
GENUINE = forged(HEADER, CLAIMS, SECRET)
FIRST, SECOND, SIGNATURE = GENUINE.split(".")
ME = json.dumps({"query": "{ me { id } }"}).encode()
NOBODY = answered({"me": None})
REFUSED = refused("UNAUTHENTICATED")


def _header(**changes: Any) -> str:
    return forged({**HEADER, **changes}, CLAIMS, SECRET)


def _claims(**changes: Any) -> str:
    return forged(HEADER, {**CLAIMS, **changes}, SECRET)


def _without(names: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in names.items() if key != name}


_OWN_KEY = {"kty": "oct", "k": encoded(OTHER_SECRET), "kid": HEADER["kid"]}
_FORGED: Mapping[str, str] = {
    "alg-none": unsigned({**HEADER, "alg": "none"}, CLAIMS),
    "alg-none-with-a-signature": unsigned({**HEADER, "alg": "none"}, CLAIMS, SIGNATURE),
    "alg-none-in-odd-letters": unsigned({**HEADER, "alg": "nOnE"}, CLAIMS),
    "alg-empty": unsigned({**HEADER, "alg": ""}, CLAIMS),
    "alg-missing": forged(_without(HEADER, "alg"), CLAIMS, SECRET),
    "alg-rs256-by-our-secret": _header(alg="RS256"),
    "alg-es256-without-a-signature": unsigned({**HEADER, "alg": "ES256"}, CLAIMS, encoded(b"\0" * 64)),
    "alg-hs512": forged({**HEADER, "alg": "HS512"}, CLAIMS, SECRET, hashlib.sha512),
    "alg-a-list": _header(alg=["HS256"]),
    "alg-twice": forged(json.dumps(HEADER)[:-1] + ', "alg": "none"}', CLAIMS, SECRET),
    "another-secret": forged(HEADER, CLAIMS, OTHER_SECRET),
    "an-empty-secret": forged(HEADER, CLAIMS, b""),
    "secret-secret": forged(HEADER, CLAIMS, "secret"),
    "kid-a-path": forged({**HEADER, "kid": "../../../../dev/null"}, CLAIMS, b""),
    "kid-sql": forged({**HEADER, "kid": "x' UNION SELECT 'secret' --"}, CLAIMS, "secret"),
    "kid-a-command": _header(kid="|sleep 10"),
    "kid-a-url": _header(kid="http://127.0.0.1:1/key"),
    "kid-null": _header(kid=None),
    "kid-an-object": _header(kid={"$ne": None}),
    "kid-missing": forged(_without(HEADER, "kid"), CLAIMS, SECRET),
    "kid-of-100000": _header(kid="k" * 40_000),
    "jwk": forged({**HEADER, "jwk": _OWN_KEY}, CLAIMS, OTHER_SECRET),
    "jku": _header(jku="http://127.0.0.1:1/keys"),
    "x5u": _header(x5u="http://127.0.0.1:1/certificate"),
    "x5c": _header(x5c=["MIIB"]),
    "crit": _header(crit=["exp"]),
    "zip": _header(zip="DEF"),
    "nested": forged({**HEADER, "cty": "JWT"}, GENUINE, SECRET),
    "typ-of-a-refresh-token": _header(typ="rt+jwt"),
    "expired": _claims(iat=NOW - 9999, exp=NOW - 999),
    "expires-never": forged(HEADER, _without(CLAIMS, "exp"), SECRET),
    "expires-at-infinity": forged(HEADER, json.dumps({**CLAIMS, "exp": float("inf")}), SECRET),
    "expires-in-a-text": _claims(exp=str(NOW + 999)),
    "not-yet": _claims(nbf=NOW + 86_400),
    "issued-tomorrow": _claims(iat=NOW + 86_400),
    "another-audience": _claims(aud="other"),
    "many-audiences": _claims(aud=["shop-graphql", "other"]),
    "another-issuer": _claims(iss="https://evil.example"),
    "issuer-missing": forged(HEADER, _without(CLAIMS, "iss"), SECRET),
    "subject-zero": _claims(sub="user_0"),
    "subject-sql": _claims(sub="user_1 OR 1=1"),
    "subject-of-100-digits": _claims(sub="user_" + "9" * 100),
    "subject-a-list": _claims(sub=["user_1"]),
    "role-unknown": _claims(role="root"),
    "role-a-list": _claims(role=["admin"]),
    "role-changed": f"{FIRST}.{encoded({**CLAIMS, 'role': 'staff'})}.{SIGNATURE}",
    "signature-missing": f"{FIRST}.{SECOND}.",
    "signature-cut": GENUINE[:-1],
    "signature-longer": GENUINE + "A",
    "two-parts": f"{FIRST}.{SECOND}",
    "five-parts": f"{FIRST}..{SECOND}..{SIGNATURE}",
    "only-points": "...." * 1000,
    "claims-deep": forged(HEADER, "[" * 20_000, SECRET),
    "header-deep": forged("[" * 20_000, CLAIMS, SECRET),
    "claims-no-utf-8": forged(HEADER, b'{"sub": "\xff"}', SECRET),
    "standard-base64": GENUINE.replace("-", "+").replace("_", "/") + "==",
    "nul-behind": GENUINE + "%00",
    "huge": "a" * 60_000,
    "json": '{"user": 1, "role": "admin"}',
    "a-refresh-token": "A" * 64,
    "a-number": "1",
}
_SCHEMES: Mapping[str, str] = {
    "basic": "Basic YWRtaW46YWRtaW4=",
    "no-scheme": GENUINE,
    "scheme-only": "Bearer",
    "scheme-twice": f"Bearer Bearer {GENUINE}",
    "two-tokens": f"Bearer {GENUINE}, Bearer {GENUINE}",
    "token-scheme": f"Token {GENUINE}",
    "negotiate": "Negotiate YII=",
    "not-ascii": "Bearer \u00fc\u00ff",
    "template": "Bearer ${jndi:ldap://127.0.0.1/x}",
}
_ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "a-cookie": {"cookie": f"access_token={GENUINE}; token={GENUINE}"},
    "another-header": {"x-access-token": GENUINE, "x-authorization": f"Bearer {GENUINE}"},
    "proxy-authorization": {"proxy-authorization": f"Bearer {GENUINE}"},
    "a-role-header": {"x-role": "admin", "x-user": "1", "x-user-id": "user_1", "remote-user": "admin"},
    "an-underscore": {"authorization_": f"Bearer {GENUINE}", "http_authorization": f"Bearer {GENUINE}"},
}
GUESSED = one_of("InvalidCredentialsError", "TooManyAttemptsError")
_LOGINS: Mapping[str, tuple[str, str]] = {
    "sql": ("' OR 1=1 --", "' OR 1=1 --"),
    "wildcard": ("%", "%"),
    "empty": ("", ""),
    "nul": ("<<email>>\0", "x"),
    "hash-as-password": ("<<email>>", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"),
    "password-of-100000": ("<<email>>", "x" * 100_000),
    "email-of-100000": ("e" * 100_000, "x"),
    "dotless-i": ("\u0131da@example.com", "x"),
    "ldap": ("*)(uid=*", "*"),
}
LOGIN = (
    "mutation ($input: LoginInput!) { login(input: $input) "
    "{ __typename ... on SignIn { refreshToken } ... on UserError { code message } } }"
)
REFRESH = LOGIN.replace("login", "refresh").replace("Login", "Refresh")


async def _enumeration(target: Target) -> list[str]:
    """A wrong password and an unknown address must bring the same answer."""
    texts = []
    for email in (target.names["email"], f"nobody-{uuid4().hex}@example.com"):
        reply = await target.graphql(LOGIN, {"input": {"email": email, "password": "not the password"}})
        if complaints := judge(reply) + GUESSED(reply):
            return complaints
        texts.append(reply.text)
    limited = any("TooManyAttemptsError" in text for text in texts)
    return [] if limited or texts[0] == texts[1] else [f"an account is told from none: {texts}"]


async def _guessing(target: Target) -> list[str]:
    """Guesses in one document must be counted one by one."""
    email = f"guessed-{uuid4().hex}@example.com"
    fields = " ".join(f'a{n}: login(input: {{email: "{email}", password: "{n}"}}) {{ __typename }}' for n in range(5))
    complaints, found = [], []
    for _ in range(3):
        reply = await target.graphql(f"mutation {{ {fields} }}")
        complaints += judge(reply) + GUESSED(reply)
        found += [value["__typename"] for value in (reply.json().get("data") or {}).values()]
    guesses = found.count("InvalidCredentialsError")
    return complaints if guesses <= 10 else [*complaints, f"{guesses} passwords could be tried at once"]


async def _reuse(target: Target) -> list[str]:
    """A refresh token that was stolen and used again, after its successor, must end the session of both."""
    email, complaints = f"robbed-{uuid4().hex}@example.com", []
    input = {"email": email, "fullName": "Robbed", "password": PASSWORD}
    await target.graphql(mutation("createUser"), {"input": input}, target.admin)
    reply = await target.graphql(LOGIN, {"input": {"email": email, "password": PASSWORD}})
    if "TooManyAttemptsError" in reply.text:
        return judge(reply)
    tokens = [_token(reply.json(), "login")]
    for _ in range(2):
        reply = await target.graphql(REFRESH, {"input": {"refreshToken": tokens[-1]}})
        tokens.append(_token(reply.json(), "refresh"))
    for token in (tokens[0], tokens[-1]):
        reply = await target.graphql(REFRESH, {"input": {"refreshToken": token}})
        complaints += judge(reply) + one_of("InvalidCredentialsError")(reply)
    return complaints


def _token(content: Any, field: str) -> str:
    token: str = content["data"][field]["refreshToken"]
    return token


async def _in_the_url(target: Target) -> list[str]:
    """A token in a URL, which logs and proxies keep, must sign nobody in."""
    path = f"/graphql?query=%7Bme%7Bid%7D%7D&access_token={GENUINE}&authorization=Bearer%20{GENUINE}&token={GENUINE}"
    reply = await target.http("GET", path)
    return judge(reply) + NOBODY(reply)


ATTACKS: Sequence[Attack] = [
    *(
        Sent(f"token/{name}", REFUSED, ME, headers={**JSON, "authorization": f"Bearer {token}"})
        for name, token in _FORGED.items()
    ),
    *(
        Sent(f"scheme/{name}", REFUSED, ME, headers={**JSON, "authorization": value})
        for name, value in _SCHEMES.items()
    ),
    Sent(
        "scheme/two-headers",
        REFUSED,
        ME,
        headers={**JSON, "authorization": f"Bearer {GENUINE}", "Authorization": "Bearer x"},
    ),
    Sent(
        "scheme/the-same-header-twice",
        REFUSED,
        ME,
        headers={**JSON, "authorization": f"Bearer {GENUINE}", "Authorization": f"Bearer {GENUINE}"},
    ),
    *(Sent(f"elsewhere/{name}", NOBODY, ME, headers={**JSON, **headers}) for name, headers in _ELSEWHERE.items()),
    Scripted("elsewhere/the-url", _in_the_url),
    Sent("elsewhere/the-body", NOBODY, ME[:-1] + b', "authorization": "Bearer %b"}' % GENUINE.encode()),
    *(
        document(f"login/{name}", LOGIN, GUESSED, input={"email": email, "password": password})
        for name, (email, password) in _LOGINS.items()
    ),
    *(
        document(f"refresh/{name}", REFRESH, one_of("InvalidCredentialsError"), input={"refreshToken": token})
        for name, token in {"empty": "", "nonsense": "x", "zeros": "A" * 64, "long": "A" * 100_000, "nul": "\0"}.items()
    ),
    Scripted("login/who-has-an-account", _enumeration),
    Scripted("login/guesses-by-aliases", _guessing),
    Scripted("refresh/used-again", _reuse),
]
