"""A sale enters no index of its product: none holds the stock, and search has a table of its own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LISTED = sa.text("archived_at IS NULL")
WORDS = """
    setweight(to_tsvector('shop'::regconfig, {0}name), 'A')
    || setweight(to_tsvector('shop'::regconfig, "left"(coalesce({0}description, ''), 100000)), 'B')
"""


def upgrade() -> None:
    op.create_table(
        "search_entries",
        sa.Column("product_id", sa.BigInteger, nullable=False),
        sa.Column("words", postgresql.TSVECTOR, nullable=False),
        sa.Column("folded_name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("product_id", name="pk_search_entries"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_search_entries_product_id", ondelete="CASCADE"
        ),
    )
    op.execute(
        "INSERT INTO search_entries (product_id, words, folded_name) "
        "SELECT id, search_vector, shop_fold(name) FROM products ORDER BY id"
    )
    op.create_index("ix_search_entries_words", "search_entries", ["words"], postgresql_using="gin")
    op.execute(
        f"CREATE INDEX ix_search_entries_folded_name ON search_entries "
        f"USING gin (folded_name {_schema('pg_trgm')}.gin_trgm_ops)"
    )
    op.execute(
        f"""
        CREATE FUNCTION shop_enter_product() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO search_entries (product_id, words, folded_name)
            VALUES (NEW.id, {WORDS.format("NEW.")}, shop_fold(NEW.name))
            ON CONFLICT (product_id) DO UPDATE SET words = excluded.words, folded_name = excluded.folded_name;
            RETURN NULL;
        END $$
        """  # noqa: S608
    )
    op.execute(
        "CREATE TRIGGER shop_enter_product AFTER INSERT OR UPDATE OF name, description ON products "
        "FOR EACH ROW EXECUTE FUNCTION shop_enter_product()"
    )
    op.drop_index("ix_products_name_trgm", "products")
    op.drop_column("products", "search_vector")
    op.drop_index("ix_products_stock_quantity_id", "products")
    _index_prices()
    op.execute("ALTER TABLE products SET (fillfactor = 80)")


def downgrade() -> None:
    op.execute("ALTER TABLE products RESET (fillfactor)")
    _index_prices(postgresql_include=["stock_quantity"])
    op.create_index("ix_products_stock_quantity_id", "products", ["stock_quantity", "id"], postgresql_where=LISTED)
    op.execute("DROP TRIGGER shop_enter_product ON products")
    op.execute("DROP FUNCTION shop_enter_product()")
    op.drop_table("search_entries")
    op.execute(
        f"ALTER TABLE products ADD COLUMN search_vector tsvector GENERATED ALWAYS AS ({WORDS.format('')}) STORED"
    )
    op.create_index("ix_products_search_vector", "products", ["search_vector"], postgresql_using="gin")
    op.execute(
        f"CREATE INDEX ix_products_name_trgm ON products USING gin (shop_fold(name) {_schema('pg_trgm')}.gin_trgm_ops)"
    )


def _index_prices(**options: list[str]) -> None:
    op.drop_index("ix_products_price_id", "products")
    op.create_index("ix_products_price_id", "products", ["price", "id"], postgresql_where=LISTED, **options)


def _schema(extension: str) -> str:
    schema = sa.text(
        "SELECT quote_ident(nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
        "WHERE extname = :name"
    )
    found: str = op.get_bind().execute(schema, {"name": extension}).scalar_one()
    return found
