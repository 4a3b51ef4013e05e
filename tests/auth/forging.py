"""Tokens as an attacker writes them: any header, any claims, any form."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

SECRET = "y3wQ0mYvXb7dKp2ZsRt9LfGh4JcNa8EuTiOx6VkW"
OTHER_SECRET = "b1Nd8Xq5ZfKo3HsWj7GyUa0ItPe2RvLc9MxTnQ4D"

Part = str | bytes | dict[str, Any] | list[Any]


def encoded(part: Part) -> str:
    content = part if isinstance(part, bytes) else (part if isinstance(part, str) else json.dumps(part)).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def key_id(secret: str) -> str:
    return hashlib.sha256(b"shop-graphql key id\0" + secret.encode()).hexdigest()[:16]


def forged(header: Part, claims: Part, secret: str | bytes = SECRET, digest: Callable[[], Any] = hashlib.sha256) -> str:
    """Return a token whose signature is right for `secret`."""
    text = f"{encoded(header)}.{encoded(claims)}"
    key = secret if isinstance(secret, bytes) else secret.encode()
    return f"{text}.{encoded(hmac.new(key, text.encode(), digest).digest())}"


def unsigned(header: Part, claims: Part, signature: str = "") -> str:
    return f"{encoded(header)}.{encoded(claims)}.{signature}"
