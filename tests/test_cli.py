"""The command line: what it prints, how it ends, and that it leaves no database running."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from shop_graphql import demo_accounts, embedded, migration, serving
from shop_graphql.access import Role
from shop_graphql.api.schema import sdl
from shop_graphql.auth import Passwords, Tokens
from shop_graphql.cli import app
from shop_graphql.database import Database
from shop_graphql.embedded import cluster
from shop_graphql.errors import StartupError
from shop_graphql.services import sessions
from shop_graphql.settings import Settings, variable
from shop_graphql.values import split_secrets
from tests.conftest import SECRET

PRODUCTS = "{ products(first: 100) { nodes { name } } }"
COMMANDS = cast(TyperGroup, get_command(app)).commands
COMMAND = [sys.executable, "-m", "shop_graphql"]
PROTOCOL = Subprotocol("graphql-transport-ws")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for all, since making one takes longer than most tests here."""
    return tmp_path_factory.mktemp("cli") / "shop"


@pytest.fixture(autouse=True)
def _environment(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SHOP_DATA_DIR", str(data_dir))
    # Rich takes the width of its tables from here.
    monkeypatch.setenv("COLUMNS", "200")
    # Set first, so that what a command puts there is undone as well.
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.delenv("DATABASE_URL")
    yield
    assert cluster.running(data_dir / "postgres") is None


class Process(subprocess.Popen[str]):
    """A command that serves, once it has said where."""

    address: str
    said: str

    def query(self, query: str) -> object:
        """Return the data of a query."""
        answer = httpx.post(f"{self.address}/graphql", json={"query": query}, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def end(self, *numbers: signal.Signals) -> str:
        """Send the signals one after another and return all that was said; the command must end well."""
        for number in numbers:
            with suppress(ProcessLookupError):
                self.send_signal(number)
            time.sleep(0.05)
        said = self.said + self.communicate(timeout=30)[0]
        assert self.returncode == 0, said
        assert "Traceback" not in said
        return said


@contextmanager
def serving_process(*arguments: str) -> Iterator[Process]:
    command = [*COMMAND, *arguments, "--port", "0"]
    with Process(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout
            process.said = ""
            while not (found := re.search(r"(http://\S+)/graphql", process.said)):
                line = process.stdout.readline()
                assert line, process.said
                process.said += line
            process.address = found[1]
            yield process
        finally:
            process.terminate()


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_python_m_is_the_same_command() -> None:
    script = Path(sys.executable).with_name("shop-graphql")
    outputs = [
        subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
        for command in (COMMAND, [str(script)])
    ]
    assert "serve" in outputs[0]
    assert outputs[0] == outputs[1]


def test_help_does_not_wait_for_the_libraries_of_the_database() -> None:
    code = "import sys, shop_graphql.cli; sys.exit('sqlalchemy' in sys.modules or 'uvicorn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_explained(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert [option.name for option in command.params if not getattr(option, "help", None)] == []
    assert run(name, "--help")[0] == 0


def test_schema_prints_the_schema() -> None:
    assert run("schema") == (0, sdl(), "")


def test_settings_are_shown_without_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@host/shop?password=hidden")
    monkeypatch.setenv("SHOP_POOL_SIZE", "7")
    monkeypatch.setenv("SHOP_SECRETS", "hidden-0123456789-abcdefghijklmnopq")
    monkeypatch.setenv("SHOP_VALKEY_URL", "valkey://me:secret@host:6379/0?password=hidden")
    code, output, _ = run("settings")
    assert code == 0
    assert all(variable(name) in output for name in Settings.model_fields)
    assert re.search(r"DATABASE_URL +│ postgresql://me:\*\*\*@host/shop ", output)
    assert re.search(r"SHOP_POOL_SIZE +│ 7 ", output)
    assert re.search(r"SHOP_SECRETS +│ set ", output)
    assert re.search(r"SHOP_VALKEY_URL +│ valkey://me:\*\*\*@host:6379/0 ", output)
    assert re.search(r"SHOP_REPLICA_URL +│ not set ", output)
    assert "secret" not in output
    assert "hidden" not in output


def test_a_wrong_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_POOL_SIZE", "many")
    code, output, error = run("serve")
    assert (code, output) == (1, "")
    assert error.startswith("Error: These settings are wrong:\n  SHOP_POOL_SIZE: ")


def test_migrate_and_seed_fill_the_database_of_database_url(scratch_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", scratch_url)
    assert run("migrate") == (0, "The database is up to date.\n", "")
    small = ["--categories", "2", "--products", "5", "--users", "3", "--orders", "4", "--random-seed", "9"]
    code, _, error = run("seed", *small)
    assert code == 0
    assert "Loading the sample shop" in error
    assert "100%" in error
    assert run("seed") == (
        1,
        "",
        "Error: The shop has data already; the sample shop is loaded into an empty shop only.\n",
    )


@pytest.mark.parametrize("command", ["serve", "seed"])
def test_a_database_without_tables_is_refused_with_the_command_to_run(
    scratch_url: str, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", scratch_url)
    monkeypatch.setenv("SHOP_SECRETS", SECRET)
    message = "Error: The database is empty. To make the tables run: shop-graphql migrate\n"
    assert run(command, *(["--port", "0"] if command == "serve" else [])) == (1, "", message)


def test_serve_leaves_the_settings_of_a_named_database_alone(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve(listener: socket.socket, how: serving.Serving, **options: object) -> None:
        calls.append((os.environ["DATABASE_URL"], os.environ.get("SHOP_PGBOUNCER"), how, options))

    calls: list[object] = []
    monkeypatch.setattr(serving, "run", serve)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SHOP_SECRETS", SECRET)
    monkeypatch.setenv("SHOP_PGBOUNCER", "true")
    monkeypatch.setenv("SHOP_HEAD_TIMEOUT", "3")
    assert run("serve", "--port", "0", "--workers", "3")[0] == 0
    limits = serving.Limits(head_timeout=3, connections=800, keep_alive=5, head=65_536, body=131_072)
    how = serving.Serving(limits, log_level="info")
    assert calls == [(database_url, "true", how, {"workers": 3, "reload": False})]


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_taken_port_is_noticed_before_anything_is_started(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DATA_DIR", str(tmp_path / "none"))
    with serving.listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        message = f"Error: Port {port} of 127.0.0.1 is in use; choose another one with --port.\n"
        assert run(command, "--port", str(port)) == (1, "", message)
    assert not (tmp_path / "none").exists()


def test_a_data_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATA_DIR", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    message = f"Error: The data folder {tmp_path / 'file'} cannot be used: File exists.\n"
    assert run("demo", "--port", "0") == (1, "", message)


@pytest.mark.parametrize("numbers", [(signal.SIGHUP,), (signal.SIGINT, signal.SIGINT)])
def test_serve_brings_its_own_database_and_ends_in_order(data_dir: Path, numbers: tuple[signal.Signals, ...]) -> None:
    with serving_process("serve") as process:
        assert httpx.get(f"{process.address}/health", timeout=20).status_code == 200
        assert process.query(PRODUCTS) == {"products": {"nodes": []}}
        said = process.end(*numbers)
    assert f"The shop is in {data_dir};" in said
    assert "Application shutdown complete" in said


def test_workers_share_the_port_and_end_together() -> None:
    with serving_process("serve", "--workers", "2") as process:
        process.query(PRODUCTS)
        assert process.end(signal.SIGINT).count("Application shutdown complete") == 2


def test_workers_end_their_streams_when_the_drain_delay_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DRAIN_DELAY", "3")
    asked = {"query": 'subscription { productChanged(ids: ["prod_1"]) { productId } }'}
    headers = {"accept": "text/event-stream"}
    with (
        serving_process("serve", "--workers", "2") as process,
        httpx.stream("POST", f"{process.address}/graphql", json=asked, headers=headers, timeout=20) as events,
        connect(f"{process.address.replace('http', 'ws')}/graphql", subprotocols=[PROTOCOL], proxy=None) as socket,
    ):
        socket.send('{"type": "connection_init"}')
        assert socket.recv(20) == '{"type":"connection_ack"}'
        process.send_signal(signal.SIGTERM)
        start = time.monotonic()
        while httpx.get(f"{process.address}/ready", timeout=20).status_code == 200:
            assert time.monotonic() - start < 2.2
        lines = list(events.iter_lines())
        assert 3 <= time.monotonic() - start < 6
        assert [line for line in lines if "event" in line] == ["event: next"]  # which is no end
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(20)
        assert closed.value.rcvd == Close(1012, "")
        process.end()
        assert time.monotonic() - start < 7.5


def test_reload_ends_like_any_other_server() -> None:
    with serving_process("serve", "--reload") as process:
        process.query(PRODUCTS)
        assert "Stopping reloader process" in process.end(signal.SIGTERM)


def test_ending_while_the_database_starts_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATA_DIR", str(tmp_path / "new"))
    command = [*COMMAND, "demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        while not (tmp_path / "new" / "turn").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=30)[0]
    assert (process.returncode, output) == (128 + signal.SIGTERM, "")
    assert cluster.running(tmp_path / "new" / "postgres") is None


def test_an_interrupted_seed_leaves_nothing_and_says_nothing(data_dir: Path) -> None:
    command = [*COMMAND, "seed", "--orders", "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        while cluster.running(data_dir / "postgres") is None:
            time.sleep(0.01)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=30)[0]
    assert process.returncode == 128 + signal.SIGTERM
    assert "Error" not in output
    assert "Traceback" not in output


def test_what_is_refused_is_one_line_of_the_log_without_its_values(data_dir: Path) -> None:
    with serving_process("serve") as process:
        secret = {"query": '{ user(by: {email: "ada@secret.example"}) { nope } }'}
        assert httpx.post(f"{process.address}/graphql", json=secret, timeout=20).status_code in (200, 400)
        said = process.end(signal.SIGTERM)
    assert said.count("Refused: GRAPHQL_VALIDATION_FAILED") == 1
    assert "ada@secret.example" not in said


def test_the_demo_keeps_its_data_and_shares_the_database_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving_process("demo") as process:
        first = process.query(PRODUCTS)
        assert "Loading the sample shop" in process.end(signal.SIGINT)
    with serving_process("demo") as demo, serving_process("serve") as beside:
        assert demo.query(PRODUCTS) == first
        assert "Loading the sample shop" not in demo.end(signal.SIGTERM)
        assert beside.query(PRODUCTS) == {"products": {"nodes": []}}
        beside.end(signal.SIGTERM)


def test_everything_can_be_tried_in_the_demo_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_GRAPHIQL_CDN", "true")  # the page that needs no build
    with serving_process("demo") as demo:
        page = httpx.get(f"{demo.address}/graphql", headers={"accept": "text/html"}, timeout=20).text
        (text,) = re.findall(r'React\.useState\(("\{.*?\}")\)', page)
        headers = json.loads(json.loads(text))
        asked = {"query": "{ me { email role } users(first: 1) { nodes { id } } }"}
        answer = httpx.post(f"{demo.address}/graphql", json=asked, headers=headers, timeout=20).json()
        assert answer["data"]["me"] == {"email": "admin@example.com", "role": "ADMIN"}
        assert len(answer["data"]["users"]["nodes"]) == 1
        for email, role in demo_accounts.shown():
            login = f'login(input: {{email: "{email}", password: "{demo_accounts.PASSWORD}"}})'
            signed_in = demo.query(f"mutation {{ {login} {{ ... on LoginSuccess {{ user {{ role }} }} }} }}")
            assert signed_in == {"login": {"user": {"role": role.upper()}}}
        assert demo.stdout
        said = "".join(iter(demo.stdout.readline, f"  admin     {demo_accounts.shown()[-1][0]}\n"))
        assert [line.split() for line in said.splitlines()[-2:]] == [
            [role, email] for email, role in demo_accounts.shown()[:-1]
        ]
        assert demo_accounts.PASSWORD in said
        demo.end(signal.SIGINT)


def test_a_named_database_is_not_served_without_a_secret(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    code, said, error = run("serve", "--port", "0")
    assert (code, said) == (1, "")
    assert error.startswith("Error: SHOP_SECRETS is not set. Access tokens are signed with it; make one with: python3 ")


@pytest.mark.parametrize("secret", ["hunter2", "changeme" * 8, f"{SECRET},short"])
def test_nothing_is_served_with_a_secret_that_can_be_guessed(
    database_url: str, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SHOP_SECRETS", secret)
    code, said, error = run("serve", "--port", "0")
    assert (code, said) == (1, "")
    assert "SHOP_SECRETS: a secret has at least 32 characters" in error
    assert secret not in error


def test_a_shop_of_one_s_own_keeps_its_secret(data_dir: Path) -> None:
    made = embedded.secret(data_dir)
    assert embedded.secret(data_dir) == made
    assert (data_dir / "secret").stat().st_mode & 0o777 == 0o600
    assert split_secrets(made) == (made,)


def test_an_account_is_created_that_can_sign_in(scratch_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migration.upgrade(scratch_url)
    monkeypatch.setenv("DATABASE_URL", scratch_url)
    options = ["--email", "ada@example.com", "--name", "Ada", "--role", "admin"]
    password = "correct horse battery staple"
    for entered, expected in (
        ("short", (1, "Error: This has 5 characters; 8 to 256 are allowed.")),
        (password, (0, "user_1 can sign in as ada@example.com now, with the role admin.")),
        (password, (1, "Error: There is a user with this e-mail address.")),
    ):
        result = CliRunner().invoke(app, ["user", "create", *options], f"{entered}\n{entered}\n")
        assert (result.exit_code, (result.stderr or result.stdout).splitlines()[-1]) == expected
        assert password not in result.output
    found = asyncio.run(credential(scratch_url, "ada@example.com"))
    assert asyncio.run(Passwords().verify(found.password_hash, password))


async def credential(url: str, email: str) -> Any:
    database = Database(Settings(), url)
    try:
        return await database.write(partial(sessions.find_credential, email=email))
    finally:
        await database.close()


def test_a_token_is_printed_that_the_server_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SECRETS", SECRET)
    code, token, error = run("token", "--user", "7", "--role", "staff", "--hours", "2")
    assert (code, error) == (0, "")
    claims = Tokens([SECRET]).read(token.strip())
    assert (claims.user_id, claims.role) == (7, Role.STAFF)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere.invalid/shop")
    monkeypatch.delenv("SHOP_SECRETS")
    assert run("token", "--user", "7")[:2] == (1, "")


def test_the_demo_leaves_the_database_of_database_url_alone(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(listener: socket.socket, how: serving.Serving, **options: object) -> None:
        used.append({name: os.environ.get(name) for name in ("DATABASE_URL", "SHOP_REPLICA_URL")})

    used: list[dict[str, str | None]] = []
    monkeypatch.setattr(serving, "run", serve)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere.invalid/shop")
    monkeypatch.setenv("SHOP_REPLICA_URL", "postgresql://nowhere.invalid/shop")
    assert run("demo", "--port", "0")[0] == 0
    assert "/demo?" in str(used[0]["DATABASE_URL"])
    assert used[0]["SHOP_REPLICA_URL"] is None


def test_the_address_can_be_opened_in_a_browser() -> None:
    with serving.listening("0.0.0.0", 0) as listener:
        assert serving.address(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("203.0.113.1", "Cannot listen on 203.0.113.1: Cannot assign requested address; choose an address"),
        ("nowhere.invalid", "Cannot listen on nowhere.invalid: there is no such address; choose"),
    ],
)
def test_an_address_of_another_machine_is_one_sentence(host: str, message: str) -> None:
    with pytest.raises(StartupError, match=f"^{re.escape(message)}"), serving.listening(host, 0):
        pass


def test_a_port_for_root_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(StartupError, match=r"^Port 80 is for root only; "), serving.listening("127.0.0.1", 80):
        pass


def test_workers_whose_app_does_not_start_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Multiprocess, "run", lambda _: None)
    workers = serving._Workers.__new__(serving._Workers)
    workers.processes = [cast(Any, SimpleNamespace(exitcode=STARTUP_FAILURE))]
    with pytest.raises(SystemExit) as error:
        workers.run()
    assert error.value.code == STARTUP_FAILURE


class Worker(SimpleNamespace):
    """A worker's process as its supervisor sees it."""

    def __init__(self, exitcode: int | None, ready: bool) -> None:
        process = SimpleNamespace(is_alive=lambda: exitcode is None)
        super().__init__(exitcode=exitcode, pid=1, process=process, is_ready=lambda: ready, start=lambda: None)


@pytest.mark.parametrize("ready", [True, False])
def test_a_worker_that_does_not_start_ends_the_others_only_if_none_ever_did(
    ready: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Multiprocess, "keep_subprocess_alive", lambda self: self.should_exit.set())
    monkeypatch.setattr(serving, "Process", lambda *_: Worker(None, False))
    workers = serving._Workers.__new__(serving._Workers)
    workers.config, workers.sockets, workers.should_exit = cast(Any, None), [], threading.Event()
    workers.processes = [cast(Any, Worker(None, ready)), cast(Any, Worker(STARTUP_FAILURE, False))]
    workers.keep_subprocess_alive()
    assert workers.should_exit.is_set() is not ready
    assert [worker.exitcode for worker in workers.processes] == [None, None if ready else STARTUP_FAILURE]


def test_workers_that_were_asked_to_end_are_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = serving._Workers.__new__(serving._Workers)
    workers.should_exit = threading.Event()
    workers.should_exit.set()
    workers.processes = [cast(Any, Worker(STARTUP_FAILURE, False))]
    workers.keep_subprocess_alive()
    assert workers.should_exit.is_set()
    assert workers.processes[0].exitcode == STARTUP_FAILURE


def test_a_closed_terminal_ends_workers_instead_of_replacing_them() -> None:
    workers = serving._Workers.__new__(serving._Workers)
    workers.should_exit = threading.Event()
    workers.handle_hup()
    assert workers.should_exit.is_set()


def test_a_worker_leaves_the_terminal_to_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    ignored: dict[signal.Signals, object] = {}
    monkeypatch.setattr(signal, "signal", ignored.__setitem__)
    monkeypatch.setattr(serving, "import_from_string", lambda name: lambda: name)
    assert cast(object, serving.worker_app()) == "shop_graphql.app:create_app"
    assert ignored == {signal.SIGINT: signal.SIG_IGN, signal.SIGHUP: signal.SIG_IGN}
