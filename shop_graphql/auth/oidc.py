"""Tokens of an identity provider: who their bearer is there, and which role that is here."""

from collections.abc import Iterator, Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jws import JWSRegistry

from shop_graphql.access import RANKS, Role
from shop_graphql.auth.compact import EXPIRED, INVALID, header_of
from shop_graphql.auth.provider_keys import FAILURE_PAUSE, FRESH, UNKNOWN_PAUSE, ProviderKeys
from shop_graphql.errors import InvalidToken

LEEWAY = 10
"""Seconds that the provider's clock may differ from ours by."""

KINDS = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}
"""The algorithms that are accepted, with the kind of key that each takes. Ed25519 is what RFC 9864 calls EdDSA."""

TYPES = {"jwt", "at+jwt", "application/at+jwt"}
"""What a token may call itself. A logout token, say, is signed with the same keys and is no proof of anything here."""

REFUSED = {"b64", "crit", "cty", "enc", "jku", "jwk", "x5u", "zip"}
"""Headers that bring a key along, or want the token to be read in another way."""


class _Registry(JWSRegistry):
    def get_alg(self, name: str) -> JWSAlgModel:
        # joserfc warns of the name EdDSA, which providers will go on using; `read` has refused all other names.
        return self.algorithms[name]


_REGISTRY = _Registry(algorithms=list(KINDS), strict_check_header=False)
_REGISTRY.max_header_length = 2048  # a certificate's fingerprint and the like


class IdentityProvider:
    """Verifies the tokens of one issuer that were made for `audience`. Raises ValueError for an issuer without https.

    Keys are kept for `fresh` seconds, and longer while they cannot be fetched. A key that nobody knows is looked for
    once in `unknown_pause` seconds; after a fetch that failed, the next one waits for `failure_pause` seconds.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        fresh: float = FRESH,
        unknown_pause: float = UNKNOWN_PAUSE,
        failure_pause: float = FAILURE_PAUSE,
    ) -> None:
        self._keys = ProviderKeys(issuer, fresh, unknown_pause, failure_pause)
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def read(self, token: str) -> Mapping[str, Any]:
        """Return the claims of `token`. Raises InvalidToken, and ProviderUnavailable when that cannot be told."""
        header = header_of(token)
        name, kid, type_ = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
        kind = KINDS.get(name) if isinstance(name, str) else None
        if (
            kind is None
            or not (kid is None or isinstance(kid, str))
            or not (isinstance(type_, str) and type_.lower() in TYPES)
            or header.keys() & REFUSED
        ):
            raise InvalidToken(INVALID)
        key = await self._keys.find(kid, kind)
        if key is None:
            raise InvalidToken(INVALID)
        try:
            claims = jwt.decode(token, key, registry=_REGISTRY).claims
            self._claims.validate(claims)
        except ExpiredTokenError:
            raise InvalidToken(EXPIRED) from None
        except (JoseError, ValueError, RecursionError):
            raise InvalidToken(INVALID) from None
        return claims

    async def close(self) -> None:
        """Close the connections to the provider."""
        await self._keys.close()


def role_of(claims: Mapping[str, Any], claim: str, mapping: Mapping[str, Role]) -> Role:
    """Return the highest role that `mapping` gives for what the claim holds: a text, several with spaces, or a list.

    `claim` may be a path, as `realm_access.roles`; a claim whose own name has dots is found too. Without any of the
    roles somebody is a customer.
    """
    roles = [mapping[text] for text in _texts(_at(claims, claim)) if text in mapping]
    return max(roles, key=RANKS.__getitem__, default=Role.CUSTOMER)


def _at(claims: Mapping[str, Any], path: str) -> Any:
    if path in claims:
        return claims[path]
    for dot, character in enumerate(path):
        if character == "." and isinstance(inner := claims.get(path[:dot]), Mapping):
            found = _at(inner, path[dot + 1 :])
            if found is not None:
                return found
    return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield from value.split()
    elif isinstance(value, list):
        yield from (text for text in value if isinstance(text, str))
