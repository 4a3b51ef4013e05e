"""Who may do what: roles, and who it is that asks."""

from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """What an account may do; stored as its value. Each role includes those before it."""

    CUSTOMER = "customer"
    STAFF = "staff"
    ADMIN = "admin"


RANKS: dict[Role | None, int] = {None: 0, **{role: rank for rank, role in enumerate(Role, 1)}}
"""How much a role may do; None is nobody in particular, who has not signed in."""


def includes(role: Role | None, needed: Role | None) -> bool:
    """Tell whether `role` may do what `needed` may."""
    return RANKS[role] >= RANKS[needed]


@dataclass(frozen=True)
class Viewer:
    """Whoever sends a request. Staff known to an identity provider only may have no account, hence no `user_id`."""

    role: Role | None = None
    user_id: int | None = None


ANONYMOUS = Viewer()
