"""Every setting is documented, and a wrong one is a sentence that names its variable."""

import re
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from shop_graphql.errors import StartupError
from shop_graphql.settings import Settings, read_settings, variable
from shop_graphql.values import Rate, async_url, rate, split_secrets

DOCUMENTATION = Path(__file__).parent.parent / "docs" / "settings.md"
FIELDS = Settings.model_fields


def documented() -> dict[str, tuple[str, str]]:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", DOCUMENTATION.read_text(), re.MULTILINE)
    return {name: (default, meaning) for name, default, meaning in rows}


def default_of(field: FieldInfo) -> str:
    if field.default is None:
        return "not set"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


@pytest.mark.parametrize("name", FIELDS)
def test_a_setting_says_what_it_does(name: str) -> None:
    assert (FIELDS[name].description or "").endswith(".")


def test_the_documentation_lists_every_setting_with_its_default_and_no_other() -> None:
    defaults = {name: default for name, (default, _) in documented().items()}
    assert defaults == {variable(name): default_of(field) for name, field in FIELDS.items()}


def test_the_documentation_lists_the_settings_in_their_order() -> None:
    assert list(documented()) == [variable(name) for name in FIELDS]


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://user:hidden@host/shop?sslmode=require")
    monkeypatch.setenv("SHOP_POOL_SIZE", "3")
    settings = read_settings()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgres://user:hidden@host/shop?sslmode=require"
    assert settings.pool_size == 3
    assert "hidden" not in repr(settings)


def test_every_wrong_setting_is_named_with_what_is_wrong_about_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://user:secret@host/shop")
    monkeypatch.setenv("SHOP_REPLICA_URL", "nonsense")
    monkeypatch.setenv("SHOP_POOL_SIZE", "many")
    with pytest.raises(StartupError) as error:
        read_settings()
    assert str(error.value).splitlines() == [
        "These settings are wrong:",
        "  DATABASE_URL: only PostgreSQL is supported, not mysql",
        "  SHOP_REPLICA_URL: not a database URL; expected postgresql://user:password@host:5432/name",
        "  SHOP_POOL_SIZE: Input should be a valid integer, unable to parse string as an integer",
    ]


SECRET = "q7Wn2Xc9Rb4Tz6Lm1Vy8Kd3Hs5Jg0Fp-AeUi"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SHOP_SECRETS", "password-0", "a secret has at least 32 characters, at least 10 of them different; make one "),
        ("SHOP_SECRETS", "a" * 64, "a secret has at least 32 characters"),
        ("SHOP_SECRETS", f"{SECRET},", "a secret has at least 32 characters"),
        ("SHOP_OIDC_ISSUER", "http://login.example", "not an https URL"),
        ("SHOP_OIDC_ISSUER", "login.example", "not an https URL"),
        ("SHOP_OIDC_ISSUER", "https://login.example?a=1", "an issuer has no query"),
        ("SHOP_VALKEY_URL", "redis://host:6379/0", "not a valkey URL; expected valkey://user:password@host:6379/0"),
        ("SHOP_VALKEY_URL", "valkey:///0", "not a valkey URL"),
        ("SHOP_VALKEY_URL", "valkey://host:port/0", "not a valkey URL"),
        ("SHOP_LOGIN_ATTEMPTS_PER_ACCOUNT", "10", "not a number within a time; expected for example 10/15minutes"),
        ("SHOP_LOGIN_ATTEMPTS_PER_ADDRESS", "0/minute", "not a number within a time"),
        ("SHOP_LOGIN_ATTEMPTS_PER_ADDRESS", "10/0minutes", "not a number within a time"),
        ("SHOP_LOGIN_ATTEMPTS_PER_ADDRESS", "10/minute; 100/day", "not a number within a time"),
    ],
)
def test_what_makes_no_sense_for_accounts_is_refused(
    name: str, value: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("SHOP_OIDC_AUDIENCE", "shop")
    with pytest.raises(StartupError) as error:
        read_settings()
    assert str(error.value).startswith(f"These settings are wrong:\n  {name}: {reason}")
    assert "password-0" not in str(error.value)


def test_an_issuer_without_an_audience_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_OIDC_ISSUER", "https://login.example")
    with pytest.raises(StartupError, match="SHOP_OIDC_AUDIENCE: needed with SHOP_OIDC_ISSUER"):
        read_settings()
    monkeypatch.setenv("SHOP_OIDC_AUDIENCE", "shop")
    assert read_settings().oidc_audience == "shop"


def test_secrets_are_split_at_commas() -> None:
    assert split_secrets(f"{SECRET}, {SECRET[::-1]}") == (SECRET, SECRET[::-1])


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [
        ("10/15minutes", 10, 900),
        ("1/second", 1, 1),
        ("100 per hour", 100, 3600),
        ("5 per 2 days", 5, 172_800),
        (" 7/Minute ", 7, 60),
    ],
)
def test_rates_are_understood(text: str, amount: int, seconds: int) -> None:
    assert rate(text) == Rate(amount, seconds)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("postgres://host/shop", "postgresql+asyncpg://host/shop"),
        ("postgresql+psycopg://host/shop", "postgresql+asyncpg://host/shop"),
        ("postgresql://u@/shop?host=%2Ftmp%2Fa&port=5432", "postgresql+asyncpg://u@/shop?host=%2Ftmp%2Fa&port=5432"),
        ("postgresql://host/shop?sslmode=require", "postgresql+asyncpg://host/shop?ssl=require"),
    ],
)
def test_the_urls_that_people_have_are_understood(text: str, url: str) -> None:
    assert async_url(text).render_as_string(hide_password=False) == url
