"""Attacks with names: known ones on servers of GraphQL, HTTP and WebSockets, and what must come of each."""

from collections.abc import Sequence

from tests.attack.named import accounts, bodies, changes, documents, http, paths, tokens, values
from tests.attack.named.kinds import Attack

_FAMILIES = (accounts, bodies, changes, documents, http, paths, tokens, values)

ATTACKS: Sequence[Attack] = [attack for family in _FAMILIES for attack in family.ATTACKS]
