"""What every session of PostgreSQL runs with, and who sees to that: the shop itself or, behind PgBouncer, the role."""

import logging
import sys

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shop_graphql.connection import connect
from shop_graphql.settings import Settings

SIMILAR = 0.4
"""How alike a product's name must be to what is searched for, from 0 to 1, to be found in spite of a typing mistake."""

CLIENT_CHECK = "0" if sys.platform == "win32" else "1000"
"""Milliseconds after which PostgreSQL looks whether anybody still waits for a statement; nobody does once a connection
is closed."""

ANYWHERE = {"application_name": "shop-graphql", "timezone": "UTC"}
"""What PgBouncer takes along from server to server."""

_LACKING = text("""
    SELECT quote_ident(current_user) AS role, wanted.name, wanted.value
    FROM unnest(CAST(:names AS text[]), CAST(:values AS text[])) AS wanted (name, value)
    LEFT JOIN pg_settings AS present USING (name)
    WHERE coalesce(present.setting, current_setting(wanted.name, true), '') <> wanted.value
""")

logger = logging.getLogger("shop_graphql")


def of_connections(settings: Settings) -> dict[str, str]:
    """Return what is told to PostgreSQL when a connection opens."""
    return ANYWHERE if settings.pgbouncer else ANYWHERE | of_role(settings)


def of_role(settings: Settings) -> dict[str, str]:
    """Return what must be set on the role where PgBouncer lets nothing else through.

    Short statements gain nothing from compilation; on today's disks a page costs the same wherever it lies.
    """
    return {
        "statement_timeout": _milliseconds(settings.statement_timeout),
        "lock_timeout": _milliseconds(settings.lock_timeout),
        "idle_in_transaction_session_timeout": _milliseconds(settings.idle_transaction_timeout),
        "client_connection_check_interval": CLIENT_CHECK,
        "jit": "off",
        "random_page_cost": "1.1",
        "pg_trgm.word_similarity_threshold": str(SIMILAR),
    }


async def check_role(settings: Settings, engine: AsyncEngine) -> None:
    """Log what would set on the role what its sessions lack. Raises StartupError when the database is away."""
    wanted = of_role(settings)
    async with connect(engine) as connection:
        values = {"names": list(wanted), "values": list(wanted.values())}
        lacking = (await connection.execute(_LACKING, values)).all()
    if lacking:
        statements = [f"ALTER ROLE {role} SET {name} = '{value}';" for role, name, value in lacking]
        logger.warning("The database role lacks settings that PgBouncer keeps from it: %s", " ".join(statements))


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
