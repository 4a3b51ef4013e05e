"""What all tables share: the naming of constraints, ids and times."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, ClassVar

from sqlalchemy import BigInteger, DateTime, Identity, MetaData, Numeric, Table, func, literal_column
from sqlalchemy import Enum as EnumType
from sqlalchemy.orm import DeclarativeBase, mapped_column

CENT = Decimal("0.01")
ZERO = literal_column("0.00", Numeric(10, 2))
"""No money, in two places like any amount."""

MAX_MONEY = Decimal("99999999.99")
MAX_ID = 2**63 - 1
MAX_INT = 2**31 - 1

Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
CreatedAt = Annotated[datetime, mapped_column(server_default=func.now())]
Version = Annotated[int, mapped_column(server_default="1")]
Money = Annotated[Decimal, mapped_column(Numeric(10, 2))]


def enum_column(enum: type[Enum], name: str) -> EnumType:
    """Return the type of a column that holds the values of `enum` and has a constraint that says so."""
    return EnumType(
        enum,
        native_enum=False,
        create_constraint=True,
        length=20,
        name=name,
        values_callable=lambda members: [member.value for member in members],
    )


class Base(DeclarativeBase):
    """Constraints have names that can be predicted, since services turn them into expected errors."""

    __table__: ClassVar[Table]

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012
