"""CSV files of products: what their columns mean, and how lines become rows and rows become lines (RFC 4180)."""

import csv
import re
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from io import TextIOWrapper
from itertools import islice
from os import strerror
from pathlib import Path
from typing import Any, TextIO

from shop_graphql.errors import StartupError
from shop_graphql.services.product_rows import Keep, ProductRow

COLUMNS = ("sku", "name", "category", "price", "description", "stock_quantity")
REQUIRED = COLUMNS[:4]
PROBLEM = "problem"
"""The column that a file of rejected lines has at its end. An import passes over it, so that such a file can be
mended and imported as it is."""

PORTION = 250
LONGEST = 10_000_000
"""Characters of one field; a quote that is never closed must not draw the whole file into memory."""

_AMOUNT = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True)
class Line:
    """A record of a file: the line where it starts, its fields, and the row they make, or why they make none."""

    number: int
    fields: list[str]
    row: ProductRow
    problem: str | None = None


class ProductFile:
    """A CSV file of products. Raises StartupError, in one sentence, when it cannot be read or understood."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_file():
            reason = "it is not a regular file" if path.exists() else "there is no such file"
            raise StartupError(f"{path} cannot be read: {reason}.")
        with closing(self._records(lambda _: None)) as records:
            _, header = next(records, (1, []))
        self.header = [name.strip() for name in header]
        self._check_header()

    @property
    def size(self) -> int:
        """How many bytes there are to read."""
        return self._path.stat().st_size

    def portions(self, progress: Callable[[int], None]) -> Generator[list[Line], None, None]:
        """Yield all lines in portions of 250; `progress` is told how many bytes have been read."""
        with closing(self._records(progress)) as records:
            next(records, None)
            while portion := [self._line(*record) for record in islice(records, PORTION)]:
                yield portion

    def _records(self, progress: Callable[[int], None]) -> Generator[tuple[int, list[str]], None, None]:
        """Yield the records with the lines where they start. Empty lines are none."""
        csv.field_size_limit(LONGEST)
        number = 0
        try:
            with self._path.open("rb") as binary, TextIOWrapper(binary, "utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                for record in reader:
                    if record:
                        yield number + 1, record
                    number = reader.line_num
                    if number % 100 == 0:
                        progress(binary.tell())
                progress(binary.tell())
        except OSError as error:
            raise StartupError(f"{self._path} cannot be read: {strerror(error.errno or 0)}.") from None
        except UnicodeDecodeError:
            raise StartupError(f"{self._path} is not UTF-8; save it as CSV UTF-8.") from None
        except csv.Error as error:
            raise StartupError(f"{self._path} is not CSV from line {number + 1} on: {error}.") from None

    def _check_header(self) -> None:
        known = [name for name in self.header if name != PROBLEM]
        missing = [name for name in REQUIRED if name not in known]
        unknown = [_shown(name) for name in known if name not in COLUMNS]
        twice = sorted({name for name in known if known.count(name) > 1 and name in COLUMNS})
        said = [
            f"{what} {', '.join(names)}"
            for what, names in (("lacks", missing), ("has the unknown", unknown), ("has twice", twice))
            if names
        ]
        if said:
            columns = f"The columns are {', '.join(COLUMNS)}, the last two optional, in any order."
            raise StartupError(f"The first line of {self._path} {' and '.join(said)}. {columns}")

    def _line(self, number: int, fields: list[str]) -> Line:
        values = dict(zip(self.header, fields, strict=False))
        problem = None
        if len(fields) != len(self.header):
            problem = f"This line has {len(fields)} fields; the first line has {len(self.header)}."
        return Line(number, fields, _row(values), problem)


class Rejects:
    """The file of rejected lines, in the form they came in, with what is wrong with each."""

    def __init__(self, file: TextIO, header: list[str]) -> None:
        self._writer = csv.writer(file)
        self._width = len(header)
        self._problem = header.index(PROBLEM) if PROBLEM in header else None
        self._writer.writerow(header if self._problem is not None else [*header, PROBLEM])

    def add(self, fields: list[str], problem: str) -> None:
        """Write a line."""
        fields = [*fields, *[""] * (self._width - len(fields))]
        if self._problem is None:
            fields.append(problem)
        else:
            fields[self._problem] = problem
        self._writer.writerow(fields)


def write_products(file: TextIO, rows: Iterable[Any], *, header: bool) -> None:
    """Write products, rows that have what the columns are named after, with `header` first."""
    writer = csv.writer(file)
    if header:
        writer.writerow(COLUMNS)
    writer.writerows([getattr(row, name) for name in COLUMNS] for row in rows)


def _row(values: dict[str, str]) -> ProductRow:
    """Return what the service takes; a number that is none becomes one that the service refuses."""
    price = values.get("price", "").strip()
    stock = values.get("stock_quantity", "").strip()
    return ProductRow(
        sku=values.get("sku", ""),
        name=values.get("name", ""),
        category=values.get("category", ""),
        price=Decimal(price) if _AMOUNT.fullmatch(price) else Decimal("NaN"),
        description=values.get("description", Keep.KEEP),
        stock_quantity=_quantity(stock),
    )


def _shown(name: str) -> str:
    """Return what a terminal can show of a column that has any name at all."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:40]) or "(no name)"


def _quantity(text: str) -> int | None:
    if not text:
        return None
    return int(text) if _NUMBER.fullmatch(text) else -1
