"""Every setting of the server, read once from the environment and checked before anything starts."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shop_graphql.errors import StartupError
from shop_graphql.values import HOW_TO_MAKE_A_SECRET, async_url, check_https, check_valkey, rate, split_secrets

Limit = Annotated[int, Field(ge=0, le=10**9)]
Seconds = Annotated[float, Field(gt=0, le=3600)]

_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
_INSIDE = {
    "statement_timeout": ["lock_timeout"],
    "silence_timeout": ["statement_timeout"],
    "request_timeout": ["silence_timeout", "pool_timeout"],
}
"""Which timeouts must have run out before another one does, so that what is wrong is found where it is."""

NO_SECRETS = f"SHOP_SECRETS is not set. Access tokens are signed with it; make one with: {HOW_TO_MAKE_A_SECRET}"


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
        description="A read replica of DATABASE_URL. Queries read from it, or from DATABASE_URL while it is away; "
        "mutations and what they return never do.",
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
        "settings of the session must be set on the database role instead; what it lacks is logged at the start.",
    )
    echo_sql: bool = Field(False, description="Log every SQL statement.")
    lock_timeout: Seconds = Field(2.0, description="Seconds a statement waits for a lock.")
    statement_timeout: Seconds = Field(
        5.0, validate_default=True, description="Seconds after which PostgreSQL ends a statement."
    )
    silence_timeout: Seconds = Field(
        6.0,
        validate_default=True,
        description="Seconds after which a statement without an answer is given up, and its connection with it.",
    )
    request_timeout: Seconds = Field(
        10.0, validate_default=True, description="Seconds after which a request without an answer is refused."
    )
    idle_transaction_timeout: Seconds = Field(
        10.0, description="Seconds after which PostgreSQL ends a transaction that does nothing."
    )
    read_patience: float = Field(
        3.0, ge=0, le=3600, description="Seconds that reads wait for a database from the moment it went away."
    )
    slow_share: float = Field(
        0.4,
        gt=0,
        le=1,
        description="Share of the connections that searches, figures, reports and lists by stock may take.",
    )
    max_requests: int = Field(
        300, ge=1, le=100_000, description="Requests a worker deals with at once; others wait, then are refused."
    )
    max_connections: int = Field(
        800, ge=1, le=100_000, description="Connections of clients a worker keeps open; further ones are closed."
    )
    head_timeout: Seconds = Field(5.0, description="Seconds in which a request must have come in whole.")
    head_limit: int = Field(
        65_536, ge=4096, description="Bytes of the longest first line and headers of a request, its URL included."
    )
    keep_alive_timeout: int = Field(
        5, ge=1, le=3600, description="Seconds a client's connection is kept open between two requests."
    )
    send_timeout: Seconds = Field(
        30.0, description="Seconds after which a client that takes nothing of what waits for it is cut off."
    )
    drain_delay: float = Field(
        0.0, ge=0, le=3600, description="Seconds a worker goes on serving after SIGTERM, while /ready says 503."
    )
    memory_limit: int | None = Field(
        None, ge=64, description="MiB of memory above which a worker is replaced, when several run."
    )
    compiler: bool = Field(True, description="Answer queries by one compiled SQL statement where that is possible.")
    batching: bool = Field(
        True, description="Let requests that wait at the same moment and differ in one id at the most share statements."
    )
    body_limit: int = Field(
        131_072, ge=1024, description="Bytes of the longest body of a request, or message of a WebSocket."
    )
    body_timeout: Seconds = Field(10.0, description="Seconds within which a body must have arrived.")
    json_depth_limit: int = Field(
        32, ge=2, le=200, description="How deep lists and objects may be nested in a body and in variables."
    )
    document_limit: Limit = Field(16384, description="Characters of the longest document. 0: any number.")
    token_limit: Limit = Field(2000, description="Tokens of the longest document. 0: any number.")
    comment_limit: Limit = Field(100, description="Comments in a document. 0: any number.")
    depth_limit: Limit = Field(10, description="How deep fields may be nested. 0: any number.")
    introspection_depth_limit: Limit = Field(
        20, description="How deep fields may be nested below `__schema` and `__type`. 0: any number."
    )
    field_limit: Limit = Field(1000, description="Fields of a document, all fragments spread. 0: any number.")
    alias_limit: Limit = Field(30, description="Aliases of a document, all fragments spread. 0: any number.")
    directive_limit: Limit = Field(20, description="Directives of a document, all fragments spread. 0: any number.")
    root_field_limit: Limit = Field(20, description="Root fields of a query. 0: any number.")
    mutation_limit: Limit = Field(5, description="Root fields of a mutation. 0: any number.")
    introspection_limit: Limit = Field(2, description="Fields `__schema` and `__type` of a query. 0: any number.")
    field_pair_limit: Limit = Field(
        2000, description="Pairs of fields of one name in one place, which validation compares. 0: any number."
    )
    node_limit: Limit = Field(10000, description="Objects that the answer to an operation can hold. 0: any number.")
    cost_limit: Limit = Field(1000, description="Points that an operation may cost. 0: any number.")
    cost_per_viewer: str = Field(
        "1000/20seconds", description="Points that somebody signed in may use, and in which time; or off."
    )
    cost_per_address: str = Field(
        "500/20seconds", description="Points that those not signed in may use per address, and in which time; or off."
    )
    cost_extension: bool = Field(True, description="Tell in each response what it cost.")
    trusted_documents: Path | None = Field(
        None, description="Manifest of documents by their hashes, as graphql-codegen's persisted-documents.json."
    )
    trusted_documents_only: bool = Field(
        False, validate_default=True, description="Carry out the documents of that manifest and no others."
    )
    persisted_queries: bool = Field(False, description="Keep documents sent with their SHA-256, to be named by it.")
    response_limit: int = Field(
        5_000_000, ge=1000, description="Bytes of the longest answer to a query; a longer one is refused."
    )
    subscriptions_per_connection: int = Field(
        20, ge=1, le=1000, description="Subscriptions that one WebSocket may have at the same time."
    )
    connections_per_address: int = Field(
        100, ge=1, description="WebSockets and event streams that one address may have open, in each worker."
    )
    connections_per_user: int = Field(
        20, ge=1, description="WebSockets and event streams that one user may have open, in each worker."
    )
    websocket_init_timeout: Seconds = Field(5.0, description="Seconds until a WebSocket must have sent who it is.")
    heartbeat: Seconds = Field(
        20.0, description="Seconds between two signs of life on a WebSocket or event stream; without an answer it ends."
    )
    allowed_origins: str | None = Field(
        None,
        description="Origins of pages that may read answers and open WebSockets, as https://shop.example.com, "
        "separated by commas; the server's own may always.",
    )
    outbox_days: int = Field(
        30, ge=0, le=36_500, description="Days after which events are swept from the outbox. 0: they stay."
    )
    env: Literal["development", "production"] = Field(
        "development", description="In production neither GraphiQL nor the schema is shown, nor are names suggested."
    )
    debug: bool = Field(False, description="Tell in each response how many SQL statements it took, and how long.")
    graphiql: bool = Field(True, description="Show GraphiQL to browsers that open /graphql.")
    graphiql_headers: str | None = Field(
        None, description="JSON shown in GraphiQL's tab of headers; the demo puts a token there. For development only."
    )
    graphiql_cdn: bool = Field(False, description="Let GraphiQL's page load its program from a public CDN.")
    storefront_dir: Path | None = Field(
        None, description="Folder of a single-page application that is served at /shop, beside the API."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe level logged.")
    secrets: SecretStr | None = Field(
        None,
        description="Secrets that access tokens are signed with, separated by commas. The first signs, all verify.",
    )
    oidc_issuer: str | None = Field(
        None, description="Identity provider whose tokens are accepted, by the https URL it calls itself in `iss`."
    )
    oidc_audience: str | None = Field(
        None, validate_default=True, description="What the provider's tokens must name in `aud`. Needed with an issuer."
    )
    oidc_roles_claim: str = Field(
        "roles",
        min_length=1,
        description="Claim of the provider's tokens that holds roles; a path with dots goes deeper.",
    )
    oidc_staff: str = Field("staff", min_length=1, description="What that claim says of staff.")
    oidc_admin: str = Field("admin", min_length=1, description="What that claim says of administrators.")
    valkey_url: SecretStr | None = Field(
        None,
        description="Valkey, as valkey://user:password@host:6379/0, in which all workers count attempts and "
        "costs together. Unset: each worker counts by itself.",
    )
    login_attempts_per_account: str = Field(
        "10/15minutes", description="How many attempts to sign in one account may see, and in which time."
    )
    login_attempts_per_address: str = Field(
        "100/15minutes", description="How many attempts to sign in one address may make, and in which time."
    )

    @property
    def events_kept(self) -> timedelta | None:
        """How long events stay in the outbox; None for ever."""
        return timedelta(days=self.outbox_days) if self.outbox_days else None

    @property
    def origins(self) -> list[str]:
        """The allowed origins."""
        return [origin for part in (self.allowed_origins or "").split(",") if (origin := part.strip())]

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: str | None) -> str | None:
        for part in (value or "").split(","):
            if part.strip() and not _ORIGIN.fullmatch(part.strip()):
                raise ValueError(f"not an origin: {part.strip()}; expected for example https://shop.example.com")
        return value

    @field_validator("database_url", "replica_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            async_url(value.get_secret_value())
        return value

    @field_validator("statement_timeout", "silence_timeout", "request_timeout")
    @classmethod
    def _is_outside_of_the_one_before(cls, value: float, info: ValidationInfo) -> float:
        inner = {name: info.data.get(name) for name in _INSIDE[str(info.field_name)]}
        for name, seconds in inner.items():
            if seconds is not None and seconds >= value:
                raise ValueError(f"{value:g} seconds must be more than {variable(name)}, which is {seconds:g}")
        return value

    @field_validator("secrets")
    @classmethod
    def _cannot_be_guessed(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            split_secrets(value.get_secret_value())
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _is_a_provider(cls, value: str | None) -> str | None:
        if value is not None:
            check_https(value)
            if urlsplit(value).query:
                raise ValueError("an issuer has no query")
        return value

    @field_validator("oidc_audience")
    @classmethod
    def _comes_with_the_issuer(cls, value: str | None, info: ValidationInfo) -> str | None:
        if not value and info.data.get("oidc_issuer") is not None:
            raise ValueError("needed with SHOP_OIDC_ISSUER; without it tokens made for others would be accepted")
        return value

    @field_validator("valkey_url")
    @classmethod
    def _is_valkey(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_valkey(value.get_secret_value())
        return value

    @field_validator("trusted_documents_only")
    @classmethod
    def _comes_with_a_manifest(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("trusted_documents") is None:
            raise ValueError("needs SHOP_TRUSTED_DOCUMENTS, which names the documents")
        return value

    @field_validator("cost_per_viewer", "cost_per_address")
    @classmethod
    def _is_a_rate_or_off(cls, value: str) -> str:
        return value if value == "off" else cls._is_a_rate(value)

    @field_validator("login_attempts_per_account", "login_attempts_per_address")
    @classmethod
    def _is_a_rate(cls, value: str) -> str:
        rate(value)
        return value


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
