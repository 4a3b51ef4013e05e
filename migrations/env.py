"""How Alembic reaches the database: on the connection it is handed, or as the settings say."""

from alembic import context
from sqlalchemy import Connection

from shop_graphql import embedded, migration
from shop_graphql.models import Base
from shop_graphql.settings import read_settings


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=True)
    with context.begin_transaction():
        context.run_migrations()


def print_sql() -> None:
    context.configure(dialect_name="postgresql", target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    print_sql()
elif "connection" in context.config.attributes:
    migrate(context.config.attributes["connection"])
else:
    with embedded.database(read_settings()) as url:
        migration.run(url, migrate)
