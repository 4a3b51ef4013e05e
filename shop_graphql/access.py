"""Who may do what: roles, which rows of each table they see, which fields they may use. No other place says so.

The API refuses a document that asks for a field its viewer may not use. The statements leave out rows its viewer may
not see, so that what is hidden looks like what does not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """What an account may do; stored as its value. Each role includes those before it."""

    CUSTOMER = "customer"
    STAFF = "staff"
    ADMIN = "admin"


RANKS: Mapping[Role | None, int] = {None: 0, **{role: rank for rank, role in enumerate(Role, 1)}}

EVERYBODY = None
"""In place of a role: whoever asks, signed in or not."""


def includes(role: Role | None, needed: Role | None) -> bool:
    """Tell whether `role` may do what `needed` may; None is somebody who has not signed in."""
    return RANKS[role] >= RANKS[needed]


@dataclass(frozen=True)
class Viewer:
    """Whoever sends a request. Staff known to an identity provider only may have no account, hence no `user_id`."""

    role: Role | None = None
    user_id: int | None = None

    def may(self, needed: Role | None) -> bool:
        """Tell whether the viewer may do what `needed` may."""
        return includes(self.role, needed)

    @property
    def actor(self) -> str | None:
        """The name under which ledger, history and outbox remember the viewer."""
        if self.user_id is not None:
            return f"user_{self.user_id}"
        return None if self.role is None else self.role.value

    @property
    def only_user(self) -> int | None:
        """The one user in whose name the viewer can act; None for staff, who can act for all."""
        return None if self.may(Role.STAFF) else self.user_id or 0


ANONYMOUS = Viewer()


@dataclass(frozen=True)
class Rows:
    """Which rows of a table a viewer sees: all of them from the role `everything` up.

    Others see the rows whose column `owner` names them, or whose foreign key `through` names a row that they see; and
    without either none.
    """

    everything: Role | None
    owner: str | None = None
    through: str | None = None

    def only_user(self, viewer: Viewer) -> int | None:
        """Return the one owner whose rows a viewer sees, nobody's id for none; None when they see all rows."""
        if viewer.may(self.everything):
            return None
        return viewer.user_id or 0 if self.owner else 0


ROWS: Mapping[str, Rows] = {
    "categories": Rows(EVERYBODY),
    "products": Rows(EVERYBODY),
    "users": Rows(Role.STAFF, owner="id"),
    "orders": Rows(Role.STAFF, owner="user_id"),
    "order_items": Rows(Role.STAFF, through="order_id"),
    "order_events": Rows(Role.STAFF, through="order_id"),
    "stock_movements": Rows(Role.STAFF),
}
"""The rule of each table that can be read, by its name."""

FIELDS: Mapping[str, Mapping[Role | None, str]] = {
    "Query": {
        EVERYBODY: "category categories categoryStats me node nodes product products",
        Role.CUSTOMER: "exportUserData order orders user",
        Role.STAFF: "reports users",
    },
    "Mutation": {
        EVERYBODY: "login logout refresh register",
        Role.CUSTOMER: "cancelOrder changePassword createOrder",
        Role.STAFF: "addCategoryStock adjustStock archiveProduct completeOrder createCategory createProduct "
        "deleteCategory deleteOrder deleteProduct restoreProduct updateCategory updateProduct updateProductPrice "
        "upsertProducts",
        Role.ADMIN: "createUser eraseUser setUserRole",
    },
    "Subscription": {EVERYBODY: "productChanged", Role.CUSTOMER: "orderChanged"},
    "Category": {EVERYBODY: "createdAt description id name products stats"},
    "Product": {
        EVERYBODY: "archivedAt category createdAt description id name orderItems price sku stockQuantity version",
        Role.STAFF: "stockMovements",
    },
    "User": {EVERYBODY: "createdAt email fullName id orders role"},
    "Order": {
        EVERYBODY: "allowedTransitions createdAt history id items status totalAmount user version",
    },
    "OrderItem": {EVERYBODY: "id lineTotal order product productName quantity unitPrice"},
    "OrderEvent": {EVERYBODY: "createdAt id reason status", Role.STAFF: "actor"},
    "StockMovement": {EVERYBODY: "actor balance createdAt delta id kind order product reason"},
}
"""The fields of each type by the least role that may use them; of a node type, on those rows that the viewer sees."""

_VALUES = (
    "AddCategoryStockSuccess AdjustStockSuccess AlreadyExistsError ArchiveProductSuccess CancelOrderSuccess "
    "CategoryConnection CategoryEdge CategoryFacet CategoryStats ChangePasswordSuccess CompleteOrderSuccess Count "
    "CreateCategorySuccess CreateOrderSuccess CreateProductSuccess CreateUserSuccess DeleteCategorySuccess "
    "DeleteOrderSuccess DeleteProductSuccess EraseUserSuccess IdempotencyConflictError InUseError "
    "InvalidCredentialsError InvalidTransitionError LoginSuccess LogoutSuccess MoneyFigures NotFoundError "
    "OrderAggregate OrderChange OrderConnection OrderEdge OrderItemConnection OrderItemEdge OutOfStockError PageInfo "
    "PriceChangedError PriceFacet ProductAggregate ProductChange ProductConnection ProductEdge ProductFacets "
    "ProductSales QuantityFigures RefreshSuccess RegisterSuccess Reports RestoreProductSuccess Sales "
    "SetUserRoleSuccess Shortage StockMovementConnection StockMovementEdge TooManyAttemptsError UpdateCategorySuccess "
    "UpdateProductPriceSuccess UpdateProductSuccess UpsertOutcome UpsertProductsSuccess UserConnection "
    "UserEdge ValidationError ValidationIssue VersionConflictError"
)
VALUES = frozenset(_VALUES.split())
"""The types without rules of their own: pages, figures and results, for whoever may use the field they come from."""

_NEEDED = {
    (type_, field): role for type_, roles in FIELDS.items() for role, names in roles.items() for field in names.split()
}


def needed(type_: str, field: str) -> Role | None:
    """Return the least role that may use a field, which is anybody's for a type among the VALUES."""
    return _NEEDED.get((type_, field))
