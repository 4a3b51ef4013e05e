"""Orders that cannot go wrong: keys, a stock ledger, order events, versions, archived products, an outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NOW = {"server_default": sa.func.now(), "nullable": False}


def upgrade() -> None:
    op.add_column("products", sa.Column("sku", sa.String(64)))
    op.create_unique_constraint("uq_products_sku", "products", ["sku"])
    op.add_column("products", sa.Column("version", sa.Integer, server_default="1", nullable=False))
    op.add_column("products", sa.Column("archived_at", sa.DateTime(timezone=True)))
    op.add_column("orders", sa.Column("version", sa.Integer, server_default="1", nullable=False))
    op.add_column("order_items", sa.Column("product_name", sa.String(200)))
    op.execute(
        "UPDATE order_items SET product_name = products.name FROM products WHERE products.id = order_items.product_id"
    )
    op.alter_column("order_items", "product_name", nullable=False)
    _index_products(sa.text("archived_at IS NULL"))
    op.create_index("ix_products_category_id", "products", ["category_id"])
    op.create_index(
        "ix_products_archived_at_id",
        "products",
        ["archived_at", "id"],
        postgresql_where=sa.text("archived_at IS NOT NULL"),
    )
    _create_order_events()
    _create_stock_movements()
    _create_idempotency_keys()
    _create_outbox()


def downgrade() -> None:
    for table in ("outbox", "idempotency_keys", "stock_movements", "order_events"):
        op.drop_table(table)
    op.drop_column("order_items", "product_name")
    op.drop_column("orders", "version")
    op.drop_index("ix_products_archived_at_id", "products")
    op.drop_index("ix_products_category_id", "products")
    _index_products(None)
    for column in ("archived_at", "version", "sku"):
        op.drop_column("products", column)


def _index_products(where: sa.TextClause | None) -> None:
    """Make the indexes of lists again, with another predicate."""
    keys = ["name", "price", "created_at", "stock_quantity"]
    lists = [[key, "id"] for key in keys] + [["category_id", key, "id"] for key in keys[:3]]
    for columns in lists:
        name = "ix_products_" + "_".join(columns)
        include = {"postgresql_include": ["stock_quantity"]} if columns[0] == "price" else {}
        op.drop_index(name, "products")
        op.create_index(name, "products", columns, postgresql_where=where, **include)


def _create_order_events() -> None:
    op.create_table(
        "order_events",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("order_id", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(500)),
        sa.Column("actor", sa.String(255)),
        sa.Column("created_at", sa.DateTime(timezone=True), **NOW),
        sa.PrimaryKeyConstraint("id", name="pk_order_events"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_events_order_id", ondelete="CASCADE"),
        sa.CheckConstraint("status IN ('pending', 'completed', 'cancelled')", name=op.f("ck_order_events_status")),
    )
    op.create_index("ix_order_events_order_id_id", "order_events", ["order_id", "id"])
    op.execute(
        "INSERT INTO order_events (order_id, status, created_at) "
        "SELECT id, 'pending', created_at FROM orders ORDER BY id"
    )
    op.execute(
        "INSERT INTO order_events (order_id, status) "
        "SELECT id, status FROM orders WHERE status <> 'pending' ORDER BY id"
    )


def _create_stock_movements() -> None:
    op.create_table(
        "stock_movements",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("product_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("delta", sa.Integer, nullable=False),
        sa.Column("balance", sa.Integer, nullable=False),
        sa.Column("order_id", sa.BigInteger),
        sa.Column("reason", sa.String(500)),
        sa.Column("actor", sa.String(255)),
        sa.Column("created_at", sa.DateTime(timezone=True), **NOW),
        sa.PrimaryKeyConstraint("id", name="pk_stock_movements"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_stock_movements_product_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_stock_movements_order_id", ondelete="SET NULL"),
        sa.CheckConstraint(
            "kind IN ('initial', 'order', 'return', 'adjustment')", name=op.f("ck_stock_movements_kind")
        ),
    )
    op.create_index("ix_stock_movements_product_id_id", "stock_movements", ["product_id", "id"])
    op.create_index("ix_stock_movements_order_id", "stock_movements", ["order_id"])
    op.execute(
        "INSERT INTO stock_movements (product_id, kind, delta, balance) "
        "SELECT id, 'initial', stock_quantity, stock_quantity FROM products WHERE stock_quantity <> 0 ORDER BY id"
    )


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("answer", postgresql.JSONB),
        sa.Column("created_at", sa.DateTime(timezone=True), **NOW),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column(
            "transaction_id",
            sa.BigInteger,
            server_default=sa.text("(pg_current_xact_id()::text)::bigint"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("payload", postgresql.JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), **NOW),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_transaction_id_id", "outbox", ["transaction_id", "id"])
