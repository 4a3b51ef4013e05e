"""What the inputs of mutations share: members that may be absent, keys and versions."""

from typing import Any

import strawberry

KEY = (
    "Names this request, so that it can be sent again without being carried out again: 1 to 255 printable characters, "
    "remembered for a day."
)
REPLAYED = "Whether this is the answer to an earlier request with the same key."
VERSION = "Change it only when this is its version; else `VersionConflictError` tells which is."


def value_or_none(value: strawberry.Some[Any] | None) -> Any:
    """Return what a `Maybe` input holds, or None when it is absent."""
    return value.value if value else None


def given(**values: strawberry.Some[Any] | None) -> dict[str, Any]:
    """Return what the `Maybe` inputs hold, without those that are absent."""
    return {name: value.value for name, value in values.items() if value}
