"""User rules: who is in the shop, what they may do, and how they are forgotten. Callers own the transaction."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Text, delete, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.access import Role, Viewer
from shop_graphql.errors import AlreadyExists, Issue, NotFound, ValidationFailed
from shop_graphql.models import (
    Credential,
    IdempotencyKey,
    Identity,
    Order,
    OrderEvent,
    OutboxEvent,
    Session,
    StockMovement,
    User,
)
from shop_graphql.services import locks, outbox
from shop_graphql.services.constraints import refusing
from shop_graphql.services.passwords import judge_password
from shop_graphql.services.rules import Rules

# Whether an address exists only a message to it can tell; this keeps out what cannot be one.
_EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\".]+(\.[^@\s<>\".]+)+")

ERASED_NAME = "Erased user"


async def create_user(
    session: AsyncSession,
    *,
    email: str,
    full_name: str,
    password: str | None = None,
    password_hash: str | None = None,
    role: Role = Role.CUSTOMER,
) -> User:
    """Create a user, who can sign in when `password_hash` is given, the hash of `password`.

    Raises ValidationFailed, and AlreadyExists when the e-mail is taken in whatever case.
    """
    rules = Rules()
    email = rules.text(email, ("email",), 255)
    rules.require(_EMAIL.fullmatch(email) is not None, ("email",), "This must be an e-mail address.")
    full_name = rules.text(full_name, ("full_name",), 200)
    if password is not None:
        judge_password(rules, password, ("password",))
    rules.enforce()
    user = User(email=email, full_name=full_name, role=role)
    session.add(user)
    with refusing({"uq_users_email": AlreadyExists("There is a user with this e-mail address.", ("email",))}):
        await session.flush()
    if password_hash is not None:
        session.add(Credential(user_id=user.id, password_hash=password_hash))
        await session.flush()
    return user


async def set_user_role(session: AsyncSession, *, user_id: int, role: Role) -> User:
    """Give a user another role, which tokens already issued learn of when they expire.

    Raises NotFound, and ValidationFailed when no admin would be left. Locks the admins by id, then the user.
    """
    await _lock(session, user_id)
    if role is not Role.ADMIN:
        await _leave_an_admin(session, user_id, ("role",))
    changed = update(User).where(User.id == user_id).values(role=role).returning(User)
    await outbox.emit(session, "user.role_changed", {"userId": user_id, "role": role.value})
    return (await session.scalars(changed)).one()


async def erase_user(session: AsyncSession, *, user_id: int) -> User:
    """Forget who a user was: name, address, ways to sign in, and the reasons given for what became of their orders.

    The orders stay, since the books need them. Done already, it changes nothing. Raises NotFound, and ValidationFailed
    when no admin would be left. Locks the admins by id, then the user.
    """
    if (await _lock(session, user_id)).erased_at is not None:
        return await session.get_one(User, user_id)
    await _leave_an_admin(session, user_id, ("user_id",))
    for table in (Credential, Session, Identity):
        await session.execute(delete(table).where(table.user_id == user_id))
    actor = Viewer(Role.CUSTOMER, user_id).actor
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.owner == actor))
    await _forget_reasons(session, user_id)
    nobody = {"email": f"erased-{user_id}@erased.invalid", "full_name": ERASED_NAME, "role": Role.CUSTOMER}
    erased = update(User).where(User.id == user_id).values(**nobody, erased_at=func.now()).returning(User)
    user = (await session.scalars(erased)).one()
    await outbox.emit(session, "user.erased", {"userId": user_id})
    return user


async def _lock(session: AsyncSession, user_id: int) -> Any:
    """Lock the admins, whose number must not reach zero, and the user. Raises NotFound."""
    users = await locks.lock_admins_and_user(session, user_id)
    if user_id not in users:
        raise NotFound("user", ("user_id",))
    return users[user_id]


async def _leave_an_admin(session: AsyncSession, user_id: int, path: Sequence[str]) -> None:
    admins = (await session.scalars(select(User.id).where(User.role == Role.ADMIN))).all()
    if list(admins) == [user_id]:
        raise ValidationFailed(Issue(tuple(path), "This is the only admin; make somebody else one first."))


async def _forget_reasons(session: AsyncSession, user_id: int) -> None:
    orders = select(Order.id).where(Order.user_id == user_id)
    for table in (OrderEvent, StockMovement):
        told = table.order_id.in_(orders), table.reason.is_not(None)
        await session.execute(update(table).where(*told).values(reason=None))
    event_order = OutboxEvent.payload["orderId"].as_integer()
    await session.execute(
        update(OutboxEvent)
        .where(OutboxEvent.kind == "order.cancelled", event_order.in_(orders))
        .values(payload=OutboxEvent.payload.op("-")(literal("reason", Text)))
    )
