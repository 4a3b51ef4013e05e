"""Finding things: full-text search on products, and an index behind every filter and order."""

import sqlalchemy as sa
from alembic import op

from shop_graphql.errors import StartupError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

EXTENSIONS = ("unaccent", "pg_trgm")
SEARCH_VECTOR = """
    setweight(to_tsvector('shop'::regconfig, name), 'A')
    || setweight(to_tsvector('shop'::regconfig, "left"(coalesce(description, ''), 100000)), 'B')
"""


def upgrade() -> None:
    schemas = {name: _extension(name) for name in EXTENSIONS}
    op.execute("CREATE TEXT SEARCH CONFIGURATION shop (COPY = pg_catalog.english)")
    op.execute(
        "ALTER TEXT SEARCH CONFIGURATION shop ALTER MAPPING FOR hword, hword_part, word "
        f"WITH {schemas['unaccent']}.unaccent, english_stem"
    )
    # unaccent is not immutable, since its dictionary might change; named in full it may be treated as though it were.
    unaccent = schemas["unaccent"]
    op.execute(
        f"""
        CREATE FUNCTION shop_fold(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
        RETURN lower({unaccent}.unaccent('{unaccent}.unaccent'::regdictionary, $1))
        """
    )
    op.execute(f"ALTER TABLE products ADD COLUMN search_vector tsvector GENERATED ALWAYS AS ({SEARCH_VECTOR}) STORED")
    op.create_index("ix_products_search_vector", "products", ["search_vector"], postgresql_using="gin")
    op.execute(
        f"CREATE INDEX ix_products_name_trgm ON products USING gin (shop_fold(name) {schemas['pg_trgm']}.gin_trgm_ops)"
    )
    # With the stock, so that the figures of all products come from the index alone.
    op.drop_index("ix_products_price_id", "products")
    op.create_index("ix_products_price_id", "products", ["price", "id"], postgresql_include=["stock_quantity"])
    op.create_index("ix_products_name_prefix", "products", [sa.text("name text_pattern_ops")])
    op.create_index("ix_products_stock_quantity_id", "products", ["stock_quantity", "id"])
    op.create_index("ix_categories_name_prefix", "categories", [sa.text("name text_pattern_ops")])
    op.create_index("ix_users_email_prefix", "users", [sa.text("lower(email) text_pattern_ops")])
    op.create_index("ix_users_full_name_id", "users", ["full_name", "id"])
    op.create_index("ix_users_full_name_prefix", "users", [sa.text("full_name text_pattern_ops")])
    op.create_index("ix_orders_status_created_at_id", "orders", ["status", "created_at", "id"])
    op.create_index("ix_orders_total_amount_id", "orders", ["total_amount", "id"])


def downgrade() -> None:
    for name in ("total_amount_id", "status_created_at_id"):
        op.drop_index(f"ix_orders_{name}", "orders")
    for name in ("full_name_prefix", "full_name_id", "email_prefix"):
        op.drop_index(f"ix_users_{name}", "users")
    op.drop_index("ix_categories_name_prefix", "categories")
    for name in ("stock_quantity_id", "name_prefix", "name_trgm", "search_vector"):
        op.drop_index(f"ix_products_{name}", "products")
    op.drop_index("ix_products_price_id", "products")
    op.create_index("ix_products_price_id", "products", ["price", "id"])
    op.drop_column("products", "search_vector")
    # The extensions stay: others may have come to use them.
    op.execute("DROP FUNCTION shop_fold(text)")
    op.execute("DROP TEXT SEARCH CONFIGURATION shop")


def _extension(name: str) -> str:
    """Create an extension unless it is there; return the schema it is in. Raises StartupError when it cannot be had."""
    connection = op.get_bind()
    try:
        with connection.begin_nested():
            connection.execute(sa.text(f"CREATE EXTENSION IF NOT EXISTS {name}"))
    except sa.exc.DBAPIError as error:
        raise StartupError(
            f"The search needs PostgreSQL's extension {name}, which cannot be created here: {error.orig}. "
            f"Install PostgreSQL's contrib package, or let an administrator run in this database: "
            f"CREATE EXTENSION {name}"
        ) from None
    schema = sa.text(
        "SELECT quote_ident(nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
        "WHERE extname = :name"
    )
    found: str = connection.execute(schema, {"name": name}).scalar_one()
    return found
