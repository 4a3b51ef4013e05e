"""The secret beside an embedded database: made once, by whoever comes first, and for its owner's eyes."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from shop_graphql.embedded import secret
from shop_graphql.errors import StartupError
from shop_graphql.values import check_secrets


def test_it_is_made_once_and_cannot_be_guessed(tmp_path: Path) -> None:
    made = secret(tmp_path)
    check_secrets([made])
    assert secret(tmp_path) == made
    assert secret(tmp_path / ".." / tmp_path.name) == made


def test_it_is_read_by_its_owner_only_and_nothing_else_is_left_behind(tmp_path: Path) -> None:
    secret(tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_one_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("kept since long ago, and of good length\n")
    assert secret(tmp_path) == "kept since long ago, and of good length"


def test_processes_that_come_at_once_get_the_same(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(50)]
    for folder in folders:
        folder.mkdir()
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        one, two = (processes.submit(_secrets, folders) for _ in range(2))
        assert one.result() == two.result()


def _secrets(folders: list[Path]) -> list[str]:
    return [secret(folder) for folder in folders]


def test_a_folder_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match=r"^The secret in .*/file/secret cannot be used: Not a directory\.$"):
        secret(tmp_path / "file")
