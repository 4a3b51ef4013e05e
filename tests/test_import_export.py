"""`shop-graphql import` and `export`: what they read, write and say, and that one undoes the other."""

import asyncio
import csv
import io
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner

from shop_graphql import migration
from shop_graphql.cli import app
from shop_graphql.connection import transaction
from shop_graphql.exchange import export_products
from shop_graphql.models import Category, OutboxEvent, Product, StockMovement
from shop_graphql.product_files import ProductFile
from shop_graphql.settings import Settings
from tests.conftest import TABLES, temporary_database

HEADER = "sku,name,category,price,description,stock_quantity\r\n"
COLUMNS = (
    "The columns are sku, name, category, price, description, stock_quantity, the last two optional, in any order."
)
NASTY = (
    HEADER
    + 'N,"Novel, the ""big"" one",Books,12.00,"Two\r\nlines\nand a half",4\r\n'
    + "E-1,Éclair — 甘い 🍰,Cakes,0.50,,0\r\n"
    + "=1+1,'quoted',Books,99999999.99,\"; |\rend\",1000000000\r\n"
)


@pytest.fixture(scope="module")
def shop_url(server_url: str) -> Iterator[str]:
    with temporary_database(server_url) as url:
        migration.upgrade(url)
        yield url


@pytest.fixture(autouse=True)
def _shop(shop_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", shop_url)
    empty(shop_url)


def empty(url: str) -> None:
    execute(url, text(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE"))


def execute(url: str, statement: object) -> list[tuple[object, ...]]:
    async def act() -> list[tuple[object, ...]]:
        async with transaction(url) as connection:
            result = await connection.execute(statement)  # type: ignore[call-overload]
            return [tuple(row) for row in result] if result.returns_rows else []

    return asyncio.run(act())


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout_bytes.decode(), result.stderr


def summary(created: int = 0, updated: int = 0, unchanged: int = 0, failed: int = 0) -> str:
    return f"{created} created, {updated} updated, {unchanged} unchanged, {failed} failed.\n"


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "products.csv"


def many(count: int) -> str:
    lines = (f"SKU-{number:05},Product {number},Shelf {number % 7},{number}.25,,{number}" for number in range(count))
    return HEADER + "".join(f"{line}\r\n" for line in lines)


def test_export_import_export_gives_the_same_file(shop_url: str, source: Path, tmp_path: Path) -> None:
    content = NASTY + many(600).removeprefix(HEADER)
    assert run("import", written(source, content))[:2] == (0, summary(created=603))
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    assert run("export", first)[:2] == (0, "")
    assert first.read_bytes().decode() == content
    empty(shop_url)
    assert run("import", first)[:2] == (0, summary(created=603))
    assert run("export", second)[0] == 0
    assert second.read_bytes() == first.read_bytes()
    assert run("export")[1] == content


def test_import_again_finds_everything_unchanged(shop_url: str, source: Path) -> None:
    written(source, many(300))
    code, said, error = run("import", source)
    assert (code, said) == (0, summary(created=300))
    assert "Importing" in error
    assert "100%" in error
    before = execute(shop_url, select(Product.__table__))
    assert run("import", source)[:2] == (0, summary(unchanged=300))
    assert execute(shop_url, select(Product.__table__)) == before
    assert len(execute(shop_url, select(OutboxEvent.id))) == 2


def test_import_takes_up_where_it_was_interrupted(shop_url: str, source: Path) -> None:
    run("import", written(source, many(250)))
    assert run("import", written(source, many(600)))[:2] == (0, summary(created=350, unchanged=250))


def test_import_takes_columns_in_any_order_and_a_byte_order_mark(shop_url: str, source: Path) -> None:
    written(source, b"\xef\xbb\xbfprice, category ,name,sku\n 5 ,Books,Novel,N\n\n0.5,Books,Poem,P\n")
    assert run("import", source)[:2] == (0, summary(created=2))
    found = execute(shop_url, select(Product.sku, Product.price, Product.description, Product.stock_quantity))
    assert found == [("N", Decimal("5.00"), None, 0), ("P", Decimal("0.50"), None, 0)]


def test_import_leaves_alone_what_has_no_column_or_no_stock(shop_url: str, source: Path) -> None:
    run("import", written(source, NASTY))
    assert run("import", written(source, "sku,name,category,price\nE-1,Tart,Cakes,0.5\n"))[1] == summary(updated=1)
    assert run("import", written(source, HEADER + "E-1,Tart,Cakes,0.5,,\n"))[1] == summary(unchanged=1)
    assert run("import", written(source, HEADER + "E-1,Tart,Cakes,0.5,,3\n"))[1] == summary(updated=1)
    deltas = execute(shop_url, select(StockMovement.product_id, StockMovement.delta, StockMovement.balance))
    assert deltas == [(1, 4, 4), (3, 1000000000, 1000000000), (2, 3, 3)]


BAD = (
    HEADER
    + 'N,Novel,Books,12.00,"two\nlines",4\n'
    + "X,,Books,NaN,,-1\n"
    + ",Anonymous,Books,1,,\n"
    + "Y,Short,Books\n"
    + "Z,Long,Books,1,,1,1,1\n"
    + "N,Twice,Books,1e3,,many\n"
    + f"P,{'x' * 201},New,1,,\n"
)
MONEY = "price: This must be an amount from 0.00 to 99999999.99 in whole cents."
STOCK = "stock_quantity: This must be from 0 to 1000000000."
PROBLEMS = {
    4: f"name: This must not be empty. {MONEY} {STOCK}",
    5: "sku: This must not be empty.",
    6: "This line has 3 fields; the first line has 6.",
    7: "This line has 8 fields; the first line has 6.",
    8: f"sku: This SKU stands in an earlier row. {MONEY} {STOCK}",
    9: "name: This has 201 characters; 200 are allowed.",
}


def said_lines(error: str) -> set[str]:
    return {line.rstrip() for line in error.splitlines() if line.startswith("Line ")}


def test_a_bad_line_refuses_the_whole_file(shop_url: str, source: Path) -> None:
    content = many(300) + BAD.removeprefix(HEADER)
    code, said, error = run("import", written(source, content))
    assert (code, said) == (1, "")
    moved = {line - 1 + 300: problem for line, problem in PROBLEMS.items()}
    assert said_lines(error) == {f"Line {line + 1}: {problem}" for line, problem in moved.items()}
    assert error.endswith(
        "Error: 6 lines are bad, so nothing was written; to import the others, add --policy skip-failed.\n"
    )
    assert execute(shop_url, select(Category.id)) == []


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_bad_lines_can_be_left_out_and_mended(shop_url: str, source: Path, tmp_path: Path, options: list[str]) -> None:
    rejects = tmp_path / "rejects.csv"
    code, said, error = run("import", written(source, BAD), "--policy", "skip-failed", "--rejects", rejects, *options)
    dry = "Dry run, nothing was written: " if options else ""
    assert (code, said) == (0, dry + summary(created=1, failed=6))
    assert said_lines(error) == {f"Line {line}: {problem}" for line, problem in PROBLEMS.items()}
    with rejects.open(newline="") as file:
        header, *lines = csv.reader(file)
    assert header == [*HEADER.strip().split(","), "problem"]
    assert [line[-1] for line in lines] == list(PROBLEMS.values())
    assert lines[1][:4] == ["", "Anonymous", "Books", "1"]
    assert len(execute(shop_url, select(Product.id))) == (0 if options else 1)
    again = tmp_path / "again.csv"
    assert run("import", rejects, "--policy", "skip-failed", "--rejects", again)[1] == summary(failed=6)
    assert again.read_text().splitlines()[0] == rejects.read_text().splitlines()[0]


def test_a_dry_run_counts_and_writes_nothing(shop_url: str, source: Path) -> None:
    run("import", written(source, many(3)))
    before = execute(shop_url, text("SELECT p::text, (SELECT count(*) FROM outbox) FROM products p"))
    written(source, many(300).replace("Product 1,", "New,"))
    said = "Dry run, nothing was written: " + summary(created=297, updated=1, unchanged=2)
    assert run("import", source, "--dry-run")[:2] == (0, said)
    assert execute(shop_url, text("SELECT p::text, (SELECT count(*) FROM outbox) FROM products p")) == before
    assert len(execute(shop_url, select(Category.id))) == 3


def test_a_file_that_turns_bad_after_its_check_stops_the_import(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shop_graphql.exchange.check_products", lambda *_: None)
    error = run("import", written(source, HEADER + "N,,Books,1,,\n"))[2]
    reason = "The file was changed while it was imported: This must not be empty. What is written stays."
    assert error.endswith(f"Error: {reason}\n")


def test_only_the_first_hundred_bad_lines_are_shown(source: Path, tmp_path: Path) -> None:
    written(source, HEADER + ",,,,,\n" * 400)
    code, said, error = run("import", source, "--policy", "skip-failed", "--rejects", tmp_path / "r.csv")
    assert (code, said) == (0, summary(failed=400))
    assert len(said_lines(error)) == 100
    assert "Further bad lines are not shown." in error
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 401


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", f"The first line of FILE lacks sku, name, category, price. {COLUMNS}"),
        (b"sku,name\n", f"The first line of FILE lacks category, price. {COLUMNS}"),
        (
            b"sku,name,category,price,colour,\n",
            f"The first line of FILE has the unknown colour, (no name). {COLUMNS}",
        ),
        (b"sku,sku,name,category,price\n", f"The first line of FILE has twice sku. {COLUMNS}"),
        ("sku,name,category,price\nN,Café,B,1\n".encode("latin-1"), "FILE is not UTF-8; save it as CSV UTF-8."),
        ("sku,name\n".encode("utf-16"), "FILE is not UTF-8; save it as CSV UTF-8."),
        (
            b'sku,name,category,price\nN,"Novel,B,1\n',
            "FILE is not CSV from line 2 on: unexpected end of data.",
        ),
    ],
)
def test_a_file_that_cannot_be_understood_is_one_sentence(source: Path, content: bytes, message: str) -> None:
    code, said, error = run("import", written(source, content))
    assert (code, said) == (1, "")
    assert f"Error: {message}\n".replace("FILE", str(source)) in error


def test_a_file_that_cannot_be_opened_is_one_sentence(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    assert run("import", source) == (1, "", f"Error: {source} cannot be read: there is no such file.\n")
    assert run("import", tmp_path) == (1, "", f"Error: {tmp_path} cannot be read: it is not a regular file.\n")
    written(source, NASTY)
    nowhere = tmp_path / "none" / "file.csv"
    message = f"Error: {nowhere} cannot be written: No such file or directory.\n"
    assert run("import", source, "--rejects", nowhere) == (1, "", message)
    assert run("export", nowhere) == (1, "", message)
    message = "Error: --rejects names the file that is imported; name another one.\n"
    assert run("import", source, "--rejects", source) == (1, "", message)
    monkeypatch.setattr(Path, "open", refuse)
    assert run("import", source) == (1, "", f"Error: {source} cannot be read: Permission denied.\n")


def test_export_writes_products_without_a_sku_and_import_reports_them(shop_url: str, source: Path) -> None:
    run("import", written(source, NASTY))
    execute(shop_url, text("UPDATE products SET sku = NULL WHERE id = 2"))
    assert run("export", source)[0] == 0
    assert ",Éclair — 甘い 🍰,Cakes,0.50,,0" in source.read_text().splitlines()
    code, _, error = run("import", source)
    assert code == 1
    assert said_lines(error) == {"Line 5: sku: This must not be empty."}
    assert run("import", source, "--policy", "skip-failed")[1] == summary(unchanged=2, failed=1)


def test_a_full_disk_is_one_sentence(source: Path) -> None:
    run("import", written(source, many(2_000)))
    command = [sys.executable, "-m", "shop_graphql"]
    full = Path("/dev/full")
    assert "Error: /dev/full cannot be written: No space left on device.\n" in run("export", full)[2]
    with full.open("wb") as output:
        found = subprocess.run([*command, "export"], stdout=output, stderr=subprocess.PIPE, text=True, check=False)
    assert found.returncode == 1
    assert "Error: Standard output cannot be written: No space left on device.\n" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_database_that_goes_away_is_one_sentence(
    shop_url: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    written(source, NASTY)
    monkeypatch.setattr("shop_graphql.exchange.upsert_products", refuse)
    monkeypatch.setattr("shop_graphql.retrying.PAUSE", 0)
    error = run("import", source)[2]
    assert error.endswith("Error: The database cannot go on: Connection refused. What is written stays.\n")


def test_export_is_one_moment_whatever_is_changed_meanwhile(shop_url: str, source: Path) -> None:
    def change(_: int) -> None:
        with ThreadPoolExecutor() as threads:
            threads.submit(execute, shop_url, text("UPDATE products SET name = 'Late'")).result()

    content = many(1_002)
    run("import", written(source, content))
    output = io.StringIO(newline="")
    export_products(Settings(), shop_url, output, change)
    assert output.getvalue() == content


def test_export_of_an_empty_shop_is_a_header() -> None:
    assert run("export")[:2] == (0, HEADER)


def test_a_refusal_of_the_database_is_one_sentence(shop_url: str, source: Path) -> None:
    async def meanwhile() -> None:
        async with transaction(shop_url) as connection:
            await connection.execute(text("LOCK TABLE products"))
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "shop_graphql", "import", str(source), stderr=subprocess.PIPE
            )
            error = (await process.communicate())[1].decode()
            assert process.returncode == 1
            assert (
                "Error: The database cannot go on: canceling statement due to lock timeout. What is written stays."
                in error
            )
            assert "Traceback" not in error

    written(source, NASTY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_LOCK_TIMEOUT", "0.2")
        asyncio.run(meanwhile())


def test_an_interrupted_import_leaves_whole_portions(shop_url: str, source: Path) -> None:
    command = [sys.executable, "-m", "shop_graphql", "import", str(written(source, many(20_000)))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        while not (count := len(execute(shop_url, select(Product.id)))):
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=30)[0]
    assert process.returncode == 128 + signal.SIGTERM, output
    assert "Traceback" not in output
    assert "Error" not in output
    assert count % 250 == len(execute(shop_url, select(Product.id))) % 250 == 0
    assert len(execute(shop_url, select(Product.id))) < 20_000


def test_a_reader_that_goes_away_ends_an_export_quietly(source: Path) -> None:
    run("import", written(source, many(2_000)))
    command = f"{sys.executable} -m shop_graphql export | head -1"
    found = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert found.stdout == HEADER.replace("\r\n", "\n")
    assert "Traceback" not in found.stderr
    assert "Exception" not in found.stderr


def test_a_file_is_read_in_portions(source: Path) -> None:
    file = ProductFile(written(source, many(600)))
    assert [len(portion) for portion in file.portions(lambda _: None)] == [250, 250, 100]
