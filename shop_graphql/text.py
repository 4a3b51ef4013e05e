"""Which texts the shop accepts."""

import re

# Control characters but tab, newline and carriage return; and surrogates, which no UTF-8 text can hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Tell whether `text` can be stored and shown: no control characters but tab and newlines, no lone surrogates."""
    return _FORBIDDEN.search(text) is None
