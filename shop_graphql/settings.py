"""Every setting of the server, read once from the environment and checked before anything starts."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from shop_graphql.errors import StartupError

Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(BaseSettings):
    """The environment as typed values. Each field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="SHOP_", frozen=True, extra="ignore", populate_by_name=True)

    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL"),
        description="PostgreSQL 15 or newer, as postgresql://user:password@host:5432/name. "
        "Unset: the embedded PostgreSQL, in SHOP_DATA_DIR.",
    )
    replica_url: SecretStr | None = Field(
        None,
        description="A read replica of DATABASE_URL. Queries read from it; mutations and what they return never do.",
    )
    data_dir: Path = Field(
        Path(".shop"),
        description="Folder of the embedded PostgreSQL. Created when missing; relative to the current folder.",
    )
    pool_size: int = Field(10, ge=1, le=1000, description="Database connections each worker keeps open.")
    pool_overflow: int = Field(20, ge=0, le=1000, description="Connections each worker may add under load.")
    pool_timeout: Seconds = Field(2.0, description="Seconds a request waits for a connection before it is refused.")
    pool_pre_ping: bool = Field(True, description="Test a pooled connection before it is used.")
    pgbouncer: bool = Field(
        False,
        description="Set when DATABASE_URL is a PgBouncer in transaction mode: no prepared statement is kept, and the "
        "timeouts below must be set on the database role instead.",
    )
    echo_sql: bool = Field(False, description="Log every SQL statement.")
    statement_timeout: Seconds = Field(5.0, description="Seconds after which PostgreSQL ends a statement.")
    lock_timeout: Seconds = Field(2.0, description="Seconds a statement waits for a lock.")
    idle_transaction_timeout: Seconds = Field(
        10.0, description="Seconds after which PostgreSQL ends a transaction that does nothing."
    )
    compiler: bool = Field(True, description="Answer queries by one compiled SQL statement where that is possible.")
    response_limit: int = Field(
        5_000_000, ge=1000, description="Bytes of the longest answer to a query; a longer one is refused."
    )
    debug: bool = Field(False, description="Tell in each response how many SQL statements it took, and how long.")
    graphiql: bool = Field(True, description="Show GraphiQL to browsers that open /graphql.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe level logged.")

    @field_validator("database_url", "replica_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            async_url(value.get_secret_value())
        return value


def async_url(text: str) -> URL:
    """Return `text` as a SQLAlchemy URL for asyncpg.

    libpq's `sslmode` is understood, since hosting companies hand out URLs that have it. Raises ValueError.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("not a database URL; expected postgresql://user:password@host:5432/name") from None
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise ValueError(f"only PostgreSQL is supported, not {url.get_backend_name()}")
    if "sslmode" in url.query:
        url = url.update_query_dict({"ssl": url.query["sslmode"]}).difference_update_query(["sslmode"])
    return url.set(drivername="postgresql+asyncpg")


def variable(name: str) -> str:
    """Return the environment variable that the setting `name` is read from."""
    return "DATABASE_URL" if name == "database_url" else f"SHOP_{name.upper()}"


def read_settings() -> Settings:
    """Read the environment. Raises StartupError, which names each variable that is wrong and why."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"{_origin(e['loc'][0])}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise StartupError("These settings are wrong:\n  " + "\n  ".join(wrong)) from None


def _origin(location: int | str) -> str:
    name = str(location)
    return name if name.isupper() else variable(name)
