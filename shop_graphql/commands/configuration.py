"""The command that prints the settings."""

from pydantic import SecretStr
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text
from sqlalchemy import make_url

from shop_graphql.settings import Settings, read_settings, variable
from shop_graphql.values import async_url


def show_settings() -> None:
    """Print a table of the settings."""
    settings = read_settings()
    columns = (
        Column("Variable", no_wrap=True),
        Column("Value", overflow="fold"),
        Column("What it does", overflow="fold"),
    )
    table = Table(*columns, show_lines=True)
    for name, field in Settings.model_fields.items():
        table.add_row(variable(name), Text(_shown(name, getattr(settings, name))), Text(field.description or ""))
    Console().print(table)


def _without_password(text: str) -> str:
    url = make_url(text)
    if url.get_backend_name() in {"postgresql", "postgres"}:
        url = async_url(text).set(drivername="postgresql")
    return url.difference_update_query(["password"]).render_as_string()


def _shown(name: str, value: object) -> str:
    if isinstance(value, SecretStr):
        return _without_password(value.get_secret_value()) if name.endswith("_url") else "set"
    return "not set" if value is None else str(value)
