import asyncio
from collections.abc import Sequence

import pytest

from shop_graphql.database import Database
from shop_graphql.loaders.batching import Loader, Loaders


class Doubles(Loader[int, int]):
    """Doubles numbers; 13 is unlucky."""

    batches: list[list[int]]

    async def batch(self, keys: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(keys))
        await asyncio.sleep(0.01)
        if 13 in keys:
            raise ValueError("13")
        return [2 * key for key in keys]


@pytest.fixture
async def doubles(database: Database) -> Doubles:
    loader = Doubles(database.reads(), None)
    loader.batches = []
    return loader


async def test_keys_of_one_turn_are_one_batch_without_repetition(doubles: Doubles) -> None:
    assert await asyncio.gather(*(doubles.load(key) for key in (1, 2, 1, 3))) == [2, 4, 2, 6]
    assert doubles.batches == [[1, 2, 3]]


async def test_a_key_is_read_once_in_a_request(doubles: Doubles) -> None:
    assert [await doubles.load(1), await doubles.load(1)] == [2, 2]
    assert doubles.batches == [[1]]


async def test_a_cancelled_caller_does_not_take_the_answer_from_another(doubles: Doubles) -> None:
    async def ask() -> int:
        return await doubles.load(1)

    first, second = asyncio.create_task(ask()), asyncio.create_task(ask())
    await asyncio.sleep(0.005)
    first.cancel()
    assert await second == 2
    assert await doubles.load(1) == 2
    assert doubles.batches == [[1]]


async def test_a_failed_batch_fails_all_its_callers_and_is_tried_again(doubles: Doubles) -> None:
    results = await asyncio.gather(doubles.load(1), doubles.load(13), return_exceptions=True)
    assert [str(result) for result in results] == ["13", "13"]
    assert await doubles.load(1) == 2


async def test_a_failed_batch_whose_callers_are_gone_is_not_reported_as_lost(doubles: Doubles) -> None:
    problems: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))

    async def ask() -> int:
        return await doubles.load(13)

    task = asyncio.create_task(ask())
    await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.sleep(0.03)
    asyncio.get_running_loop().set_exception_handler(None)
    assert problems == []


async def test_equal_arguments_share_a_loader(database: Database) -> None:
    loaders = Loaders(database.reads(), None)
    assert loaders.get(Doubles) is loaders.get(Doubles)
