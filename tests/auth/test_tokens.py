"""Own tokens: the genuine one is read, and of all that look like it none is."""

import base64
import hashlib
import json
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwe, jwt
from joserfc.jwk import OctKey, RSAKey

from shop_graphql.access import Role
from shop_graphql.auth import Claims, RefreshToken, Tokens, new_refresh_token, parse_refresh_token, peek_issuer
from shop_graphql.auth.tokens import MAX_ID
from shop_graphql.errors import InvalidToken
from tests.auth.forging import OTHER_SECRET, SECRET, encoded, forged, key_id, unsigned

NOW = int(time.time())
HEADER = {"alg": "HS256", "kid": key_id(SECRET), "typ": "at+jwt"}
CLAIMS = {
    "iss": "shop-graphql",
    "aud": "shop-graphql",
    "sub": "user_7",
    "role": "staff",
    "iat": NOW,
    "exp": NOW + 7200,
}
GENUINE = forged(HEADER, CLAIMS)
FIRST, SECOND, SIGNATURE = GENUINE.split(".")
RSA = RSAKey.generate_key(2048)
NOT_VALID = "This access token is not valid."


def with_header(**changes: Any) -> str:
    return forged({**HEADER, **changes}, CLAIMS)


def with_claims(**changes: Any) -> str:
    return forged(HEADER, {**CLAIMS, **changes})


def without(names: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in names.items() if key != name}


def encrypted() -> str:
    key = OctKey.import_key(hashlib.sha256(SECRET.encode()).digest())
    header = {"alg": "dir", "enc": "A256GCM", "kid": key_id(SECRET), "typ": "at+jwt"}
    return jwt.encode(header, dict(CLAIMS), key, registry=jwe.JWERegistry(algorithms=["dir", "A256GCM"]))


def other_ending(text: str) -> str:
    """Return another text that lenient decoders take for the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


FORGED = {
    **{f"alg {alg!r}": unsigned({**HEADER, "alg": alg}, CLAIMS, SIGNATURE) for alg in ("none", "None", "NONE", "nOnE")},
    **{f"alg {alg!r}, unsigned": unsigned({**HEADER, "alg": alg}, CLAIMS) for alg in ("none", "None", "NONE", "")},
    **{f"alg {alg!r} of a wrong type": with_header(alg=alg) for alg in (None, 256, ["HS256"], {"HS256": 1}, True)},
    "alg missing": forged(without(HEADER, "alg"), CLAIMS),
    "alg in small letters": with_header(alg="hs256"),
    "alg RS256, signed with our secret": with_header(alg="RS256"),
    "alg RS256, signed with a key of their own": jwt.encode({**HEADER, "alg": "RS256"}, dict(CLAIMS), RSA, ["RS256"]),
    "alg HS384, with the right secret": forged({**HEADER, "alg": "HS384"}, CLAIMS, digest=hashlib.sha384),
    "alg HS512, with the right secret": forged({**HEADER, "alg": "HS512"}, CLAIMS, digest=hashlib.sha512),
    "alg HS256 in the header, signed as HS384": forged(HEADER, CLAIMS, digest=hashlib.sha384),
    "alg twice": forged(json.dumps(HEADER)[:-1] + ', "alg": "none"}', CLAIMS),
    "another secret": forged(HEADER, CLAIMS, OTHER_SECRET),
    "another secret under its own kid": forged({**HEADER, "kid": key_id(OTHER_SECRET)}, CLAIMS, OTHER_SECRET),
    "an empty secret": forged(HEADER, CLAIMS, b""),
    "kid unknown": with_header(kid="0123456789abcdef"),
    "kid missing": forged(without(HEADER, "kid"), CLAIMS),
    "kid null": with_header(kid=None),
    "kid empty": with_header(kid=""),
    "kid a list": with_header(kid=[HEADER["kid"]]),
    "kid an object": with_header(kid={"kid": HEADER["kid"]}),
    "kid a path, signed with what is there": forged({**HEADER, "kid": "../../../dev/null"}, CLAIMS, b""),
    "kid SQL": forged({**HEADER, "kid": "x' UNION SELECT 'secret"}, CLAIMS, "secret"),
    "kid a command": with_header(kid="$(id)|id"),
    "kid of another key, signed with this": with_header(kid=key_id(OTHER_SECRET)),
    "kid that is the secret": with_header(kid=SECRET),
    "typ missing": forged(without(HEADER, "typ"), CLAIMS),
    "typ JWT": with_header(typ="JWT"),
    "typ of a refresh token": with_header(typ="rt+jwt"),
    "typ a number": with_header(typ=1),
    "jku": with_header(jku="http://127.0.0.1:1/keys"),
    "x5u": with_header(x5u="http://127.0.0.1:1/certificate"),
    "x5c": with_header(x5c=["MIIB"]),
    "jwk": forged(
        {**HEADER, "jwk": {"kty": "oct", "k": encoded(OTHER_SECRET), "kid": HEADER["kid"]}}, CLAIMS, OTHER_SECRET
    ),
    "crit, known": with_header(crit=["alg"]),
    "crit, unknown": with_header(crit=["exp2"], exp2=1),
    "crit empty": with_header(crit=[]),
    "b64 false": with_header(b64=False),
    "cty JWT, nested": forged({**HEADER, "cty": "JWT"}, GENUINE),
    "nested without saying so": forged(HEADER, GENUINE),
    "zip": with_header(zip="DEF"),
    "an unknown header": with_header(nonce="1"),
    **{f"{name} missing": forged(HEADER, without(CLAIMS, name)) for name in CLAIMS},
    **{f"{name} null": with_claims(**{name: None}) for name in CLAIMS},
    **{f"{name} a list of it": with_claims(**{name: [CLAIMS[name]]}) for name in CLAIMS},
    **{f"{name} true": with_claims(**{name: True}) for name in CLAIMS},
    **{f"{name} empty": with_claims(**{name: ""}) for name in CLAIMS},
    "aud of another": with_claims(aud="shop-admin"),
    "aud a list with others": with_claims(aud=["other", "shop-graphql"]),
    "aud longer": with_claims(aud="shop-graphql "),
    "iss of another": with_claims(iss="https://login.example"),
    "iss in capitals": with_claims(iss="Shop-GraphQL"),
    "sub 0": with_claims(sub="user_0"),
    "sub negative": with_claims(sub="user_-1"),
    "sub with a sign": with_claims(sub="user_+7"),
    "sub with a leading zero": with_claims(sub="user_07"),
    "sub too large": with_claims(sub=f"user_{MAX_ID + 1}"),
    "sub much too large": with_claims(sub="user_" + "9" * 400),
    "sub with another prefix": with_claims(sub="prod_7"),
    "sub without a prefix": with_claims(sub="7"),
    "sub a number": with_claims(sub=7),
    "sub with a newline": with_claims(sub="user_7\n"),
    "sub in other digits": with_claims(sub="user_\u0667"),
    "sub with more behind it": with_claims(sub="user_7 OR 1=1"),
    "role unknown": with_claims(role="owner"),
    "role in capitals": with_claims(role="ADMIN"),
    "role an object": with_claims(role={"value": "admin"}),
    "sid a number": with_claims(sid=1),
    "nbf in the future": with_claims(nbf=NOW + 7200),
    "nbf a text": with_claims(nbf=str(NOW)),
    "iat in the future": with_claims(iat=NOW + 7200),
    "iat a text": with_claims(iat=str(NOW)),
    "exp a text": with_claims(exp=str(NOW + 900)),
    "exp not a number": forged(HEADER, json.dumps({**CLAIMS, "exp": float("nan")})),
    "exp infinite": forged(HEADER, json.dumps({**CLAIMS, "exp": float("inf")})),
    "claims a list": forged(HEADER, [CLAIMS]),
    "claims a text": forged(HEADER, json.dumps("claims")),
    "claims null": forged(HEADER, "null"),
    "claims no JSON": forged(HEADER, "{"),
    "claims no UTF-8": forged(HEADER, b"\xff\xfe"),
    "claims nested deeply": forged(HEADER, "[" * 2500),
    "claims empty": forged(HEADER, ""),
    "header a list": forged(["alg"], CLAIMS),
    "header a text": forged(json.dumps("alg"), CLAIMS),
    "header nested deeply": f"{encoded('[' * 2500)}.{SECOND}.{SIGNATURE}",
    "header nested deeply inside": forged(json.dumps(HEADER)[:-1] + ', "x": ' + "[" * 2000, "{}"),
    "header no JSON": f"{encoded('{')}.{SECOND}.{SIGNATURE}",
    "header no base64": f"%%%.{SECOND}.{SIGNATURE}",
    "header of another token": f"{encoded({**HEADER, 'x': 1})}.{SECOND}.{SIGNATURE}",
    "claims of another token": f"{FIRST}.{encoded({**CLAIMS, 'role': 'admin'})}.{SIGNATURE}",
    "signature empty": f"{FIRST}.{SECOND}.",
    "signature missing": f"{FIRST}.{SECOND}",
    "signature cut": GENUINE[:-2],
    "signature of one byte": f"{FIRST}.{SECOND}.AA",
    "signature with its last bits changed": f"{FIRST}.{SECOND}.{other_ending(SIGNATURE)}",
    "signature longer": f"{FIRST}.{SECOND}.{SIGNATURE}AAAA",
    "signature all zero": f"{FIRST}.{SECOND}.{encoded(bytes(32))}",
    "padded": GENUINE + "=",
    "header padded": f"{base64.urlsafe_b64encode(json.dumps(HEADER).encode() + b' ').decode()}=.{SECOND}.{SIGNATURE}",
    "four parts": GENUINE + ".",
    "four parts with data": GENUINE + ".AAAA",
    "five parts": f"{FIRST}.{SECOND}.{SIGNATURE}.{SECOND}.{SIGNATURE}",
    "encrypted": encrypted(),
    "a newline behind it": GENUINE + "\n",
    "a newline in front": "\n" + GENUINE,
    "a space inside": f"{FIRST}. {SECOND}.{SIGNATURE}",
    "a NUL behind it": GENUINE + "\0",
    "a control character inside": f"{FIRST}\x1b.{SECOND}.{SIGNATURE}",
    "letters beyond ASCII": GENUINE + "é",
    "fullwidth letters": GENUINE.replace("e", "\uff45", 1),
    "a lone surrogate": GENUINE + "\ud800",
    "with its scheme": "Bearer " + GENUINE,
    "in quotes": f'"{GENUINE}"',
    "as JSON": json.dumps({"protected": FIRST, "payload": SECOND, "signature": SIGNATURE}),
    "oversized": forged(HEADER, {**CLAIMS, "x": "x" * 4096}),
    "oversized by one": GENUINE + "A" * (4097 - len(GENUINE)),
    "a million letters": "a." * 500_000,
    "empty": "",
    "dots": "..",
    "only text": "token",
}


@pytest.fixture
def tokens() -> Tokens:
    return Tokens([SECRET])


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_not_valid(name: str, tokens: Tokens) -> None:
    with pytest.raises(InvalidToken) as error:
        tokens.read(FORGED[name])
    assert str(error.value) == NOT_VALID


def test_the_token_that_they_were_forged_from_is_valid(tokens: Tokens) -> None:
    assert tokens.read(GENUINE) == Claims(user_id=7, role=Role.STAFF, session=None)
    assert len(FORGED) >= 30


def test_a_token_says_what_it_was_issued_for(tokens: Tokens) -> None:
    assert tokens.read(tokens.issue(MAX_ID, Role.ADMIN, "session")) == Claims(MAX_ID, Role.ADMIN, "session")
    assert tokens.read(tokens.issue(1, Role.CUSTOMER)) == Claims(1, Role.CUSTOMER, None)


def test_a_token_is_written_as_documented(tokens: Tokens) -> None:
    before = int(time.time())
    header, claims = (
        json.loads(base64.urlsafe_b64decode(part + "==")) for part in tokens.issue(7, Role.STAFF, "s").split(".")[:2]
    )
    assert header == HEADER
    issued = claims["iat"]
    assert before <= issued <= time.time()
    assert claims == {**CLAIMS, "iat": issued, "exp": issued + 900, "sid": "s"}


def test_an_expired_token_says_so(tokens: Tokens) -> None:
    with pytest.raises(InvalidToken) as error:
        tokens.read(tokens.issue(7, Role.STAFF, lifetime=timedelta(seconds=-60)))
    assert str(error.value) == "The access token has expired."


def test_clocks_may_differ_by_a_few_seconds_only(tokens: Tokens) -> None:
    now = int(time.time())
    assert tokens.read(with_claims(exp=now - 2, iat=now + 2, nbf=now + 2)).user_id == 7
    with pytest.raises(InvalidToken):
        tokens.read(with_claims(exp=now - 6))


def test_a_key_is_replaced_without_a_gap() -> None:
    old, new = Tokens([SECRET]), Tokens([OTHER_SECRET, SECRET])
    claims = Claims(7, Role.STAFF)
    assert new.read(old.issue(7, Role.STAFF)) == claims
    assert new.read(new.issue(7, Role.STAFF)) == claims
    with pytest.raises(InvalidToken):
        old.read(new.issue(7, Role.STAFF))
    with pytest.raises(InvalidToken):
        Tokens([OTHER_SECRET]).read(old.issue(7, Role.STAFF))


@pytest.mark.parametrize("secrets", [[], ["short"], ["ab" * 50], [SECRET, ""], [SECRET, "x" * 31]])
def test_weak_secrets_are_refused(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match=r"python3 -c 'import secrets; print\(secrets.token_urlsafe\(48\)\)'"):
        Tokens(secrets)


def test_the_issuer_of_a_token_can_be_peeked_at() -> None:
    assert peek_issuer(GENUINE) == "shop-graphql"
    assert peek_issuer(forged({}, {"iss": 7})) is None
    assert peek_issuer(forged({}, {})) is None
    assert peek_issuer(forged({"alg": "none"}, {"iss": "https://login.example"})) == "https://login.example"


@pytest.mark.parametrize("name", FORGED)
def test_peeking_never_fails(name: str) -> None:
    assert peek_issuer(FORGED[name]) in {None, "", "shop-graphql", "Shop-GraphQL", "https://login.example"}


def test_a_refresh_token_is_read_back() -> None:
    token = new_refresh_token()
    assert parse_refresh_token(token.text) == token
    assert len(token.text) == 64
    assert token.digest == hashlib.sha256(token.secret).digest()
    assert token.text not in repr(token)
    assert repr(token.secret) not in repr(token)


def test_a_refresh_token_is_followed_by_one_of_the_same_session(tokens: Tokens) -> None:
    first = new_refresh_token()
    second = tokens.successor(first)
    assert second.session == first.session
    assert second.digest != first.digest
    assert parse_refresh_token(second.text) == second
    assert new_refresh_token().session != first.session


def test_the_successor_of_a_refresh_token_depends_on_all_of_it_and_on_the_secret(tokens: Tokens) -> None:
    first = RefreshToken(UUID(int=1), bytes(32))
    others = [RefreshToken(UUID(int=2), bytes(32)), RefreshToken(UUID(int=1), bytes(31) + b"1")]
    secrets = {tokens.successor(token).secret for token in (first, *others)} | {
        Tokens([OTHER_SECRET, SECRET]).successor(first).secret
    }
    assert len(secrets) == 4
    assert Tokens([SECRET, OTHER_SECRET]).successor(first) == tokens.successor(first)


def test_a_refresh_token_has_one_spelling() -> None:
    token = RefreshToken(UUID(int=1), bytes(32))
    assert parse_refresh_token(token.text) == token
    assert parse_refresh_token(token.text.replace("A", "B", 1)) != token


@pytest.mark.parametrize(
    "text", ["", "A", "A" * 63, "A" * 65, "A" * 63 + "=", "A" * 63 + "+", "A" * 64 + "\n", "é" * 64]
)
def test_what_is_no_refresh_token_is_none(text: str) -> None:
    assert parse_refresh_token(text) is None


def test_a_token_that_was_read_before_expires_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = Tokens([SECRET])
    token = tokens.issue(1, Role.STAFF, lifetime=timedelta(minutes=1))
    assert tokens.read(token) == tokens.read(token) == Claims(1, Role.STAFF)
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 70)
    with pytest.raises(InvalidToken, match="expired"):
        tokens.read(token)


def test_no_more_tokens_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shop_graphql.auth.tokens.MAX_KNOWN", 3)
    tokens = Tokens([SECRET])
    for user_id in range(1, 9):
        assert tokens.read(tokens.issue(user_id, Role.CUSTOMER)).user_id == user_id
    assert len(tokens._known) <= 3
