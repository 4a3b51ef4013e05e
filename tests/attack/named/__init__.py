"""Attacks with names: known ones on servers of GraphQL, HTTP and WebSockets, and what must come of each."""

from collections.abc import Sequence

from tests.attack.named import bodies, documents, http, paths
from tests.attack.named.kinds import Attack

ATTACKS: Sequence[Attack] = [*bodies.ATTACKS, *documents.ATTACKS, *http.ATTACKS, *paths.ATTACKS]
