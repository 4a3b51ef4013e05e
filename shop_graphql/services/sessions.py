"""Sign-ins: passwords, the sessions they open, and the identities that stand for them. Callers own the transaction."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.database import affected
from shop_graphql.models import Credential, Identity, Session, User
from shop_graphql.services.passwords import judge_password
from shop_graphql.services.rules import Rules
from shop_graphql.services.users import create_user
from shop_graphql.text import is_storable

KEPT = timedelta(days=30)
"""How long a session lasts that is not used."""

GRACE = timedelta(seconds=30)
"""How long an exchange of tokens can be asked for again by those whom its answer did not reach."""

BATCH = 1_000


async def find_credential(session: AsyncSession, *, email: str) -> Any:
    """Return the user's id and password hash, which may be null, or None when nobody has the address."""
    if not is_storable(email):
        return None
    statement = (
        select(User.id, Credential.password_hash)
        .join(Credential, Credential.user_id == User.id, isouter=True)
        .where(func.lower(User.email) == func.lower(email))
    )
    return (await session.execute(statement)).one_or_none()


async def password_hash(session: AsyncSession, *, user_id: int) -> str | None:
    """Return the hash of a user's password, or None when the user has none."""
    return await session.scalar(select(Credential.password_hash).where(Credential.user_id == user_id))


async def set_password(session: AsyncSession, *, user_id: int, password: str, hashed: str | None) -> None:
    """Give a user a password, `hashed`, which ends all their sessions. Raises ValidationFailed."""
    rules = Rules()
    judge_password(rules, password, ("new_password",))
    rules.enforce()
    values = {"password_hash": hashed, "changed_at": func.now()}
    credential = insert(Credential).values(user_id=user_id, **values)
    await session.execute(credential.on_conflict_do_update(index_elements=["user_id"], set_=values))
    await session.execute(delete(Session).where(Session.user_id == user_id))


async def replace_hash(session: AsyncSession, *, user_id: int, old: str, new: str) -> None:
    """Keep the same password under a hash of today's strength, unless it was changed meanwhile."""
    same = Credential.user_id == user_id, Credential.password_hash == old
    await session.execute(update(Credential).where(*same).values(password_hash=new))


async def open_session(session: AsyncSession, *, user_id: int, id: UUID, digest: bytes) -> User | None:
    """Begin a session of a user and return the user; None when the user does not exist any more."""
    known = select(User).where(User.id == user_id, User.erased_at.is_(None)).with_for_update(read=True)
    user = await session.scalar(known)
    if user is not None:
        session.add(Session(id=id, user_id=user_id, digest=digest, expires_at=func.now() + KEPT))
        await session.flush()
    return user


async def continue_session(session: AsyncSession, *, id: UUID, digest: bytes, successor: bytes) -> User | None:
    """Exchange a refresh token for its successor and return the user; None when it does not continue the session.

    The same exchange succeeds again within GRACE, as long as nobody has used the successor. Otherwise a token that was
    exchanged before has been stolen, by whoever came first or by whoever comes now: the session ends.
    """
    alive = Session.id == id, Session.expires_at > func.now()
    values = {"digest": successor, "used_at": func.now(), "expires_at": func.now() + KEPT}
    exchange = update(Session).where(*alive, Session.digest == digest).values(**values).returning(Session.user_id)
    done = select(Session.user_id).where(*alive, Session.digest == successor, Session.used_at > func.now() - GRACE)
    user_id = await session.scalar(exchange) or await session.scalar(done)
    if user_id is None:
        await session.execute(delete(Session).where(Session.id == id))
        return None
    return await session.get(User, user_id)


async def close_session(session: AsyncSession, *, id: UUID) -> None:
    """End a session, whichever of its refresh tokens was shown."""
    await session.execute(delete(Session).where(Session.id == id))


async def sweep_sessions(session: AsyncSession) -> int:
    """Delete up to a thousand sessions that have expired; return how many there were."""
    old = select(Session.id).where(Session.expires_at < func.now()).limit(BATCH).with_for_update(skip_locked=True)
    return affected(await session.execute(delete(Session).where(Session.id.in_(old))))


@dataclass(frozen=True)
class Person:
    """Somebody as an identity provider describes them; the e-mail address only if it has been verified there."""

    issuer: str
    subject: str
    email: str | None
    full_name: str


async def identify(session: AsyncSession, *, person: Person) -> int | None:
    """Return the id of the user that an identity provider's subject is, creating one the first time.

    Somebody who has an account with the same, verified address gets that one. Its password and sessions end then, since
    whoever chose the password has never shown that the address is theirs. None when no address is known.
    """
    known = select(Identity.user_id).where(Identity.issuer == person.issuer, Identity.subject == person.subject)
    user_id = await session.scalar(known)
    if user_id is not None or person.email is None:
        return user_id
    found = await find_credential(session, email=person.email)
    if found is None:
        user_id = (await create_user(session, email=person.email, full_name=person.full_name)).id
    else:
        user_id = found.id
        for table in (Credential, Session):
            await session.execute(delete(table).where(table.user_id == user_id))
    values = {"issuer": person.issuer, "subject": person.subject, "user_id": user_id}
    await session.execute(insert(Identity).values(values).on_conflict_do_nothing())
    return await session.scalar(known)
