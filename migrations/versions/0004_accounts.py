"""Accounts: roles, passwords, sessions, identities; who sent a key and caused an event."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NOW = {"server_default": sa.func.now(), "nullable": False}


def upgrade() -> None:
    op.add_column("users", sa.Column("role", sa.String(20), server_default="customer", nullable=False))
    op.create_check_constraint(op.f("ck_users_role"), "users", "role IN ('customer', 'staff', 'admin')")
    op.add_column("users", sa.Column("erased_at", sa.DateTime(timezone=True)))
    op.create_index("ix_users_role_created_at_id", "users", ["role", "created_at", "id"])
    op.add_column("outbox", sa.Column("actor", sa.String(255)))
    op.add_column("idempotency_keys", sa.Column("owner", sa.String(64), server_default="", nullable=False))
    op.alter_column("idempotency_keys", "owner", server_default=None)
    _key_idempotency_keys("owner", "key")
    _create_credentials()
    _create_sessions()
    _create_identities()


def downgrade() -> None:
    for table in ("identities", "sessions", "credentials"):
        op.drop_table(table)
    # Without owners two of them may have the same key; what is forgotten can only be repeated within its day.
    op.execute(
        "DELETE FROM idempotency_keys AS one USING idempotency_keys AS other "
        "WHERE one.key = other.key AND one.owner > other.owner"
    )
    _key_idempotency_keys("key")
    op.drop_column("idempotency_keys", "owner")
    op.drop_column("outbox", "actor")
    op.drop_column("users", "erased_at")
    op.drop_index("ix_users_role_created_at_id", "users")
    op.drop_column("users", "role")


def _key_idempotency_keys(*columns: str) -> None:
    op.drop_constraint("pk_idempotency_keys", "idempotency_keys")
    op.create_primary_key("pk_idempotency_keys", "idempotency_keys", list(columns))


def _user() -> list[sa.schema.SchemaItem]:
    return [sa.Column("user_id", sa.BigInteger, nullable=False)]


def _owned_by_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE")


def _create_credentials() -> None:
    op.create_table(
        "credentials",
        *_user(),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), **NOW),
        sa.PrimaryKeyConstraint("user_id", name="pk_credentials"),
        _owned_by_user("credentials"),
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid, nullable=False),
        *_user(),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), **NOW),
        sa.Column("used_at", sa.DateTime(timezone=True), **NOW),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        _owned_by_user("sessions"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])


def _create_identities() -> None:
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        *_user(),
        sa.Column("created_at", sa.DateTime(timezone=True), **NOW),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identities"),
        _owned_by_user("identities"),
    )
    op.create_index("ix_identities_user_id", "identities", ["user_id"])
