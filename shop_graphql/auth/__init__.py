"""Who asks: passwords, tokens, attempts. Knows no database and no GraphQL."""

from shop_graphql.auth.attempts import Attempts, address_key
from shop_graphql.auth.compact import peek_expiry, peek_issuer
from shop_graphql.auth.oidc import IdentityProvider, role_of
from shop_graphql.auth.passwords import Passwords
from shop_graphql.auth.provider_keys import ProviderUnavailable
from shop_graphql.auth.spending import Buckets
from shop_graphql.auth.tokens import (
    ACCESS_LIFETIME,
    LEEWAY,
    Claims,
    RefreshToken,
    Tokens,
    new_refresh_token,
    parse_refresh_token,
)

__all__ = [
    "ACCESS_LIFETIME",
    "LEEWAY",
    "Attempts",
    "Buckets",
    "Claims",
    "IdentityProvider",
    "Passwords",
    "ProviderUnavailable",
    "RefreshToken",
    "Tokens",
    "address_key",
    "new_refresh_token",
    "parse_refresh_token",
    "peek_expiry",
    "peek_issuer",
    "role_of",
]
