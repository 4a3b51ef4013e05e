"""Attacks with names: known ones on servers of GraphQL, HTTP and WebSockets, and what must come of each."""

from collections.abc import Sequence

from tests.attack.named import (
    accounts,
    bodies,
    changes,
    documents,
    http,
    paths,
    slow,
    streams,
    tokens,
    values,
    websockets,
)
from tests.attack.named.kinds import Attack

_FAMILIES = (accounts, bodies, changes, documents, http, paths, streams, tokens, values, websockets)

QUICK: Sequence[Attack] = [attack for family in _FAMILIES for attack in family.ATTACKS]
"""Those that are over in a second, or little more."""

SLOW: Sequence[Attack] = slow.ATTACKS
"""Those that wait for the server to lose patience."""

CROWDS: Sequence[Attack] = slow.CROWDS
"""Those that drive others out, to be done one after the other."""

ATTACKS: Sequence[Attack] = [*QUICK, *SLOW, *CROWDS]
