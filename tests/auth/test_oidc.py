"""Tokens of a real identity provider: its keys, their rotation, its failures, and what is forged in its name."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from shop_graphql.access import Role
from shop_graphql.auth import IdentityProvider, ProviderUnavailable, role_of
from shop_graphql.auth.provider_keys import address_of_keys
from shop_graphql.errors import InvalidToken
from tests.api.live import until
from tests.auth.forging import decoded, encoded, forged, unsigned
from tests.auth.provider import AUDIENCE, Provider

OWN_RSA = RSAKey.generate_key(2048)
OWN_EC = ECKey.generate_key("P-256")


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture
def issuer(running: Provider) -> Iterator[Provider]:
    yield running
    running.control(failure="")


@pytest.fixture
async def provider(issuer: Provider) -> AsyncIterator[IdentityProvider]:
    provider = IdentityProvider(issuer.address, AUDIENCE)
    yield provider
    await provider.close()


SIGNED: dict[str, tuple[str, dict[str, Any]]] = {
    "RS256": ("rsa", {"alg": "RS256"}),
    "PS256": ("rsa", {"alg": "PS256"}),
    "ES256": ("ec", {"alg": "ES256"}),
    "EdDSA": ("ed", {"alg": "EdDSA"}),
    "Ed25519": ("ed", {"alg": "Ed25519"}),
    "typ JWT": ("rsa", {"alg": "RS256", "typ": "JWT"}),
    "typ at+jwt": ("rsa", {"alg": "RS256", "typ": "at+jwt"}),
    "a certificate's fingerprint": ("rsa", {"alg": "RS256", "x5t": "abc"}),
    "no kid, and one key of the kind": ("ec", {"alg": "ES256", "kid": None}),
    "no kid, and one key of the kind that can be used": ("rsa", {"alg": "RS256", "kid": None}),
}


@pytest.mark.parametrize("name", SIGNED)
async def test_a_token_of_the_provider_is_read(name: str, issuer: Provider, provider: IdentityProvider) -> None:
    key, header = SIGNED[name]
    claims = issuer.claims(roles=["staff"])
    assert await provider.read(issuer.sign(key, header, claims)) == claims


@pytest.mark.parametrize(
    "changes",
    [{"aud": ["other", AUDIENCE]}, {"iat": None}, {"nbf": int(time.time())}, {"exp": int(time.time()) + 7200.5}],
    ids=str,
)
async def test_claims_may_be_written_as_the_standards_allow(
    changes: dict[str, Any], issuer: Provider, provider: IdentityProvider
) -> None:
    claims = {name: value for name, value in issuer.claims(**changes).items() if value is not None}
    assert await provider.read(issuer.sign("rsa", {"alg": "RS256"}, claims)) == claims


def public_pem(issuer: Provider) -> bytes:
    return RSAKey.import_key(issuer.key("rsa")).as_pem(private=False)


def forgeries(issuer: Provider) -> dict[str, str]:
    """Return what looks like a token of the provider and is none."""
    claims = issuer.claims()
    kid = issuer.key_id("rsa")
    header = {"alg": "RS256", "kid": kid}
    genuine = issuer.sign("rsa", header)
    first, second, signature = genuine.split(".")

    def signed(payload: Any, **changes: Any) -> str:
        return issuer.sign("rsa", {**header, **changes}, payload)

    def claiming(**changes: Any) -> str:
        return signed(issuer.claims(**changes))

    def without(name: str) -> str:
        return signed({key: value for key, value in claims.items() if key != name})

    def own(alg: str, key: Any, **changes: Any) -> str:
        return jwt.encode({**header, "alg": alg, **changes}, dict(claims), key, [alg], default_type=None)

    pem = public_pem(issuer)
    wrong: list[Any] = [None, 1, ["RS256"], {}]
    return {
        **{f"alg {alg!r}": unsigned({**header, "alg": alg}, claims, signature) for alg in ("none", "None", "NONE")},
        **{f"alg {alg!r}, unsigned": unsigned({**header, "alg": alg}, claims) for alg in ("none", "nOnE", "")},
        **{f"alg {alg!r} of a wrong type": forged({**header, "alg": alg}, claims) for alg in wrong},
        "alg missing": forged({"kid": kid}, claims),
        "HS256 with the public key": forged({**header, "alg": "HS256"}, claims, pem),
        "HS256 with the public key, no newline": forged({**header, "alg": "HS256"}, claims, pem.strip()),
        "HS256 with the modulus": forged({**header, "alg": "HS256"}, claims, issuer.key("rsa")["n"]),
        "HS256 with the secret that is published": forged(
            {"alg": "HS256", "kid": issuer.key_id("oct")}, claims, decoded(issuer.key("oct")["k"])
        ),
        "HS256 signed by the provider": issuer.sign("oct", {"alg": "HS256"}),
        "HS256 in the header of RS256": forged(header, claims, pem),
        "RS384": signed(claims, alg="RS384"),
        "RS512": signed(claims, alg="RS512"),
        "PS384": signed(claims, alg="PS384"),
        "ES384": issuer.sign("p384", {"alg": "ES384"}),
        "ES256 with the id of a key on P-384": own("ES256", OWN_EC, kid=issuer.key_id("p384")),
        "Ed448": issuer.sign("ed448", {"alg": "Ed448"}),
        "EdDSA on Ed448": issuer.sign("ed448", {"alg": "EdDSA"}),
        "a key for encryption": issuer.sign("enc", {"alg": "RS256"}),
        "another key under the same id": own("RS256", OWN_RSA),
        "another key of another kind under the same id": own("ES256", OWN_EC),
        "an unknown id": own("RS256", OWN_RSA, kid="unknown"),
        "no id, and a key of their own": forged({"alg": "RS256"}, claims),
        "kid a path": own("RS256", OWN_RSA, kid="../../dev/null"),
        "kid a number": forged({**header, "kid": 7}, claims),
        "kid a list": forged({**header, "kid": [kid]}, claims),
        "a key that is too short": issuer.sign("weak", {"alg": "RS256"}),
        "a key that cannot be read": forged({"alg": "RS256", "kid": "bad"}, claims),
        "jwk": own("RS256", OWN_RSA, jwk=OWN_RSA.as_dict(private=False)),
        "jku": signed(claims, jku="http://127.0.0.1:1/jwks"),
        "x5u": signed(claims, x5u="http://127.0.0.1:1/certificate"),
        "crit": signed(claims, crit=["kid"]),
        "cty": signed(claims, cty="JWT"),
        "b64": signed("claims", b64=False, crit=["b64"]),
        "zip": signed(claims, zip="DEF"),
        "a token to log out with": signed(claims, typ="logout+jwt"),
        "typ a number": forged({**header, "typ": 1}, claims),
        **{f"{name} missing": without(name) for name in ("iss", "aud", "sub", "exp")},
        **{f"{name} null": claiming(**{name: None}) for name in ("iss", "aud", "sub", "exp", "iat", "nbf")},
        **{f"{name} empty": claiming(**{name: ""}) for name in ("iss", "aud", "sub", "exp", "iat", "nbf")},
        **{f"{name} true": claiming(**{name: True}) for name in ("iss", "aud", "sub", "exp", "iat", "nbf")},
        "iss of another": claiming(iss="https://login.example"),
        "iss with a slash more": claiming(iss=issuer.address + "/"),
        "iss a list": claiming(iss=[issuer.address]),
        "aud of another": claiming(aud="other"),
        "aud a list of others": claiming(aud=["other", "shops"]),
        "aud an empty list": claiming(aud=[]),
        "aud a list of numbers": claiming(aud=[1]),
        "sub a number": claiming(sub=7),
        "exp a text": claiming(exp=str(int(time.time()) + 7200)),
        "iat in the future": claiming(iat=int(time.time()) + 7200),
        "nbf in the future": claiming(nbf=int(time.time()) + 7200),
        "exp not a number": signed('{"exp": NaN}'),
        "claims a list": signed("[]"),
        "claims a text": signed('"claims"'),
        "claims no JSON": signed("claims"),
        "claims nested deeply": signed("[" * 2000),
        "nested": signed(genuine),
        "claims of another token": f"{first}.{encoded({**claims, 'roles': ['admin']})}.{signature}",
        "header of another token": f"{encoded({**header, 'alg': 'PS256'})}.{second}.{signature}",
        "signature empty": f"{first}.{second}.",
        "signature missing": f"{first}.{second}",
        "signature cut": genuine[:-4],
        "signature of one byte": f"{first}.{second}.AA",
        "signature padded": genuine + "==",
        "five parts": f"{genuine}.{second}.{signature}",
        "a newline behind it": genuine + "\n",
        "letters beyond ASCII": genuine + "é",
        "oversized": signed(issuer.claims(x="x" * 4096)),
        "empty": "",
    }


async def test_forged_tokens_are_not_valid_and_the_genuine_one_is(issuer: Provider, provider: IdentityProvider) -> None:
    tokens = forgeries(issuer)
    assert len(tokens) > 60
    results = await asyncio.gather(*map(provider.read, tokens.values()), return_exceptions=True)
    refusal = repr(InvalidToken("This access token is not valid."))
    assert dict(zip(tokens, map(repr, results), strict=True)) == dict.fromkeys(tokens, refusal)
    assert (await provider.read(issuer.sign("rsa", {"alg": "RS256"})))["sub"] == "ada"


async def test_an_expired_token_says_so(issuer: Provider, provider: IdentityProvider) -> None:
    claims = issuer.claims(exp=int(time.time()) - 60)
    with pytest.raises(InvalidToken) as error:
        await provider.read(issuer.sign("rsa", {"alg": "RS256"}, claims))
    assert str(error.value) == "The access token has expired."


async def test_a_hundred_readers_cause_one_fetch(issuer: Provider, provider: IdentityProvider) -> None:
    before = issuer.fetches()
    token = issuer.sign("ec", {"alg": "ES256"})
    found = await asyncio.gather(*(provider.read(token) for _ in range(100)))
    assert [claims["sub"] for claims in found] == ["ada"] * 100
    assert issuer.fetches() - before == 1


async def test_a_reader_that_is_cancelled_takes_the_fetch_from_no_other(
    issuer: Provider, provider: IdentityProvider
) -> None:
    token = issuer.sign("ec", {"alg": "ES256"})
    first, second = (asyncio.create_task(provider.read(token)) for _ in range(2))
    await asyncio.sleep(0.02)
    first.cancel()
    assert (await second)["sub"] == "ada"


async def test_a_new_key_is_picked_up_with_one_fetch(issuer: Provider, provider: IdentityProvider) -> None:
    old = issuer.sign("rsa", {"alg": "RS256"})
    await provider.read(old)
    before = issuer.fetches()
    issuer.control(rotate=True)
    token = issuer.sign("rsa", {"alg": "RS256"})
    found = await asyncio.gather(*(provider.read(token) for _ in range(100)))
    assert [claims["sub"] for claims in found] == ["ada"] * 100
    assert issuer.fetches() - before == 1
    with pytest.raises(InvalidToken):
        await provider.read(old)


async def test_a_flood_of_unknown_keys_causes_one_fetch_in_a_while(issuer: Provider) -> None:
    provider = IdentityProvider(issuer.address, AUDIENCE, unknown_pause=1)
    await provider.read(issuer.sign("rsa", {"alg": "RS256"}))
    before = issuer.fetches()

    async def flood() -> None:
        tokens = [forged({"alg": "RS256", "kid": f"unknown-{n}"}, issuer_claims) for n in range(200)]
        results = await asyncio.gather(*(provider.read(token) for token in tokens), return_exceptions=True)
        assert {type(result) for result in results} == {InvalidToken}

    issuer_claims = issuer.claims()
    await flood()
    await flood()
    assert issuer.fetches() - before == 1
    await asyncio.sleep(1.1)
    await flood()
    assert issuer.fetches() - before == 2
    await provider.close()


async def test_keys_just_fetched_are_not_fetched_again_for_what_they_lack(
    issuer: Provider, provider: IdentityProvider
) -> None:
    before = issuer.fetches()
    token = forged({"alg": "RS256", "kid": "unknown"}, issuer.claims())
    results = await asyncio.gather(*(provider.read(token) for _ in range(10)), return_exceptions=True)
    assert {type(result) for result in results} == {InvalidToken}
    assert issuer.fetches() - before == 1


async def test_keys_are_fetched_again_when_they_are_old(issuer: Provider) -> None:
    provider = IdentityProvider(issuer.address, AUDIENCE, fresh=0.2)
    old = issuer.sign("rsa", {"alg": "RS256"})
    await provider.read(old)
    issuer.control(rotate=True)
    await asyncio.sleep(0.3)
    with pytest.raises(InvalidToken):
        await provider.read(old)
    await provider.close()


FAILURES = ("down", "redirect", "huge", "compressed", "list", "deep", "no keys", "issuer", "jwks_uri")


@pytest.mark.parametrize("failure", FAILURES)
async def test_without_keys_nothing_can_be_said_about_a_token(
    failure: str, issuer: Provider, provider: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    token = issuer.sign("rsa", {"alg": "RS256"})
    issuer.control(failure=failure)
    before = issuer.control()["fetches"]["discovery"]
    with caplog.at_level(logging.WARNING):
        results = await asyncio.gather(*(provider.read(token) for _ in range(10)), return_exceptions=True)
    assert [str(result) for result in results] == ["The identity provider cannot be reached."] * 10
    assert {type(result) for result in results} == {ProviderUnavailable}
    assert [record.message.startswith(f"The keys of {issuer.address} cannot be had") for record in caplog.records] == [
        True
    ]
    with pytest.raises(ProviderUnavailable):
        await provider.read(token)
    assert issuer.control()["fetches"]["discovery"] - before == 1


@pytest.mark.parametrize("failure", ["down", "deep", "issuer"])
async def test_old_keys_serve_while_new_ones_cannot_be_had(failure: str, issuer: Provider) -> None:
    provider = IdentityProvider(issuer.address, AUDIENCE, fresh=0.1, failure_pause=0.1)
    token = issuer.sign("rsa", {"alg": "RS256"})
    await provider.read(token)
    issuer.control(failure=failure)
    for _ in range(5):
        await asyncio.sleep(0.1)
        assert (await provider.read(token))["sub"] == "ada"
    issuer.control(failure="", rotate=True)
    await asyncio.sleep(0.3)
    assert (await provider.read(issuer.sign("rsa", {"alg": "RS256"})))["sub"] == "ada"
    await provider.close()


async def test_nobody_waits_again_for_a_provider_that_was_away(issuer: Provider) -> None:
    provider = IdentityProvider(issuer.address, AUDIENCE, fresh=0.1, failure_pause=0.1)
    token = issuer.sign("rsa", {"alg": "RS256"})
    await provider.read(token)
    issuer.control(failure="slow")
    await asyncio.sleep(0.2)
    await provider.read(token)
    await asyncio.sleep(0.2)
    before = issuer.fetches()
    async with asyncio.timeout(2):
        await provider.read(token)
    await until(lambda: issuer.fetches() - before == 1)
    await asyncio.sleep(0.2)
    assert issuer.fetches() - before == 1
    await provider.close()


@pytest.mark.parametrize(
    ("issuer", "address", "reason"),
    [
        ("https://login.example", None, "does not say"),
        ("https://login.example", "http://login.example/jwks", "not an https URL"),
        ("https://login.example", "http://127.0.0.1/jwks", "to this machine"),
        ("https://login.example", "https://localhost/jwks", "to this machine"),
        ("https://login.example", "file:///etc/passwd", "not an https URL"),
        ("https://login.example/", "https://login.example/jwks", "calls itself something else"),
    ],
)
def test_keys_are_not_fetched_from_everywhere(issuer: str, address: str | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        address_of_keys(issuer, {"issuer": "https://login.example", "jwks_uri": address})


def test_keys_may_be_elsewhere_by_https() -> None:
    discovery = {"issuer": "https://login.example", "jwks_uri": "https://keys.example/jwks?policy=1"}
    assert address_of_keys("https://login.example", discovery) == "https://keys.example/jwks?policy=1"


async def test_a_provider_that_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    issuer = Provider()
    known = IdentityProvider(issuer.address, AUDIENCE, fresh=0.1)
    new = IdentityProvider(issuer.address, AUDIENCE)
    token = issuer.sign("ed", {"alg": "EdDSA"})
    unknown = jwt.encode({"alg": "RS256", "kid": "unknown"}, issuer.claims(), OWN_RSA)
    await known.read(token)
    issuer.close()
    await asyncio.sleep(0.2)
    with caplog.at_level(logging.WARNING):
        assert (await known.read(token))["sub"] == "ada"
        with pytest.raises(ProviderUnavailable):
            await known.read(unknown)
        with pytest.raises(InvalidToken):
            await known.read("nonsense")
        with pytest.raises(ProviderUnavailable):
            await new.read(token)
    await known.close()
    await new.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example",
        "ftp://login.example",
        "login.example",
        "",
        "https://",
        "https://a@b",
        "https://[",
        "https://h/#f",
    ],
)
def test_an_issuer_is_reached_by_https(url: str) -> None:
    with pytest.raises(ValueError, match="not an https URL"):
        IdentityProvider(url, AUDIENCE)


MAPPING = {"shop-staff": Role.STAFF, "shop-admin": Role.ADMIN, "Shop Staff": Role.STAFF}


@pytest.mark.parametrize(
    ("claims", "claim", "role"),
    [
        ({}, "roles", Role.CUSTOMER),
        ({"roles": None}, "roles", Role.CUSTOMER),
        ({"roles": "shop-staff"}, "roles", Role.STAFF),
        ({"roles": "openid shop-admin shop-staff"}, "roles", Role.ADMIN),
        ({"roles": ["shop-staff", "other", "shop-admin"]}, "roles", Role.ADMIN),
        ({"roles": ["Shop Staff"]}, "roles", Role.STAFF),
        ({"roles": ["openid shop-admin"]}, "roles", Role.CUSTOMER),
        ({"roles": "Shop Staff"}, "roles", Role.STAFF),
        ({"roles": ["SHOP-ADMIN", "admin", 1, None, ["shop-admin"]]}, "roles", Role.CUSTOMER),
        ({"roles": {"shop-admin": True}}, "roles", Role.CUSTOMER),
        ({"roles": 7}, "roles", Role.CUSTOMER),
        ({"realm_access": {"roles": ["shop-staff"]}}, "realm_access.roles", Role.STAFF),
        ({"realm_access": ["shop-staff"]}, "realm_access.roles", Role.CUSTOMER),
        ({"resource_access": {"shop.api": {"roles": ["shop-admin"]}}}, "resource_access.shop.api.roles", Role.ADMIN),
        ({"https://shop.example/roles": ["shop-admin"]}, "https://shop.example/roles", Role.ADMIN),
    ],
)
def test_the_highest_role_that_is_mapped_counts(claims: dict[str, Any], claim: str, role: Role) -> None:
    assert role_of(claims, claim, MAPPING) == role
