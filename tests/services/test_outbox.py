"""The outbox: no event is passed over, whatever the order in which transactions commit."""

import asyncio

from shop_graphql.database import Database
from shop_graphql.services import outbox
from shop_graphql.services.outbox import Position


async def read(database: Database, after: Position) -> tuple[list[str], Position]:
    async with database.transaction() as session:
        events = await outbox.read(session, after)
    last = Position(events[-1].transaction_id, events[-1].id) if events else after
    return [event.payload["name"] for event in events], last


async def test_a_reader_waits_for_a_transaction_that_commits_late(database: Database, empty_shop: None) -> None:
    async with database.transaction() as slow:
        await outbox.emit(slow, "test", {"name": "slow"})
        async with database.transaction() as quick:
            await outbox.emit(quick, "test", {"name": "quick"})
        seen, position = await read(database, Position())
        assert seen == []
    assert (await read(database, position))[0] == ["slow", "quick"]


async def test_what_is_rolled_back_is_never_told(database: Database, empty_shop: None) -> None:
    session, reads = database.preview()
    await outbox.emit(session, "test", {"name": "never"})
    await reads.close()
    assert (await read(database, Position()))[0] == []


async def test_a_reader_beside_many_writers_meets_every_event_once(database: Database, empty_shop: None) -> None:
    async def write(name: str, pause: float) -> None:
        async with database.transaction() as session:
            await outbox.emit(session, "test", {"name": name})
            await asyncio.sleep(pause)

    async def follow() -> list[str]:
        seen: list[str] = []
        position = Position()
        while len(seen) < 40:
            names, position = await read(database, position)
            seen += names
            await asyncio.sleep(0.002)
        return seen

    follower = asyncio.create_task(follow())
    for round in range(4):
        await asyncio.gather(*(write(f"{round}.{n}", (n * 7 % 10) / 300) for n in range(10)))
    seen = await asyncio.wait_for(follower, 10)
    assert sorted(seen) == sorted(f"{round}.{n}" for round in range(4) for n in range(10))
