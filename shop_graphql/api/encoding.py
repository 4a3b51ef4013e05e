"""Responses as JSON."""

import json
from typing import Any

import orjson


def encode(content: Any) -> bytes:
    """Return `content` as JSON, however deep it is."""
    try:
        return orjson.dumps(content)
    except orjson.JSONEncodeError:  # it stops at 254 levels
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
