"""Refusals as clients see them: each expected failure is a type that carries its facts."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import strawberry
from graphql import value_from_ast_untyped
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from shop_graphql import errors, models
from shop_graphql.api.context import Info
from shop_graphql.api.enums import OrderStatus
from shop_graphql.api.fields import named
from shop_graphql.api.scalars import Money
from shop_graphql.errors import ShopError

if TYPE_CHECKING:
    from shop_graphql.api.catalog import Product


@strawberry.enum(description="What kind of refusal it is; one for each type of error.")
class ErrorCode(Enum):
    VALIDATION = strawberry.enum_value("validation", description="Values break their rules.")
    NOT_FOUND = strawberry.enum_value("not_found", description="An id names nothing.")
    ALREADY_EXISTS = strawberry.enum_value("already_exists", description="A value that must be unique is taken.")
    OUT_OF_STOCK = strawberry.enum_value("out_of_stock", description="Stock does not suffice.")
    IN_USE = strawberry.enum_value("in_use", description="Others depend on what was to be deleted.")
    IDEMPOTENCY_CONFLICT = strawberry.enum_value(
        "idempotency_conflict", description="The idempotency key belongs to another request."
    )
    PRICE_CHANGED = strawberry.enum_value("price_changed", description="The total is not what was expected.")
    INVALID_TRANSITION = strawberry.enum_value("invalid_transition", description="A status cannot follow another.")
    INVALID_CREDENTIALS = strawberry.enum_value(
        "invalid_credentials", description="What was shown does not prove who somebody is."
    )
    VERSION_CONFLICT = strawberry.enum_value("version_conflict", description="Somebody else has changed it since.")
    TOO_MANY_ATTEMPTS = strawberry.enum_value("too_many_attempts", description="Too much was tried in a short time.")


class Given:
    """The arguments of a mutation as the client wrote them, to name a problem in the client's own words."""

    def __init__(self, info: Info) -> None:
        arguments = info._raw_info.field_nodes[0].arguments or ()
        self._arguments = {a.name.value: value_from_ast_untyped(a.value, info.variable_values) for a in arguments}

    def path(self, path: errors.Path) -> list[str]:
        """Return a path in a service's arguments as the path in the client's."""
        return ["input", *(to_camel_case(step) if isinstance(step, str) else str(step) for step in path)]

    def value(self, path: errors.Path) -> str:
        """Return what the client gave at `path`; nothing, when that stood for the client's own account."""
        value: Any = self._arguments["input"]
        for step in path:
            if isinstance(step, str):
                value = value.get(to_camel_case(step), "")
            elif isinstance(value, list):  # a literal may stand for the list of itself
                value = value[step]
        return str(value)


@strawberry.interface(description="An expected refusal: nothing was changed, and the facts say why.")
class UserError:
    """The type of a ShopError. Each subclass names the exception it stands for and the facts it shows."""

    exception: ClassVar[type[ShopError]]
    error_code: ClassVar[ErrorCode]
    by_exception: ClassVar[dict[type[ShopError], "type[UserError]"]] = {}

    code: ErrorCode = strawberry.field(description="What kind of refusal it is.")
    message: str = strawberry.field(description="The reason in a sentence, for people; programs use the facts.")
    other_errors: list["UserError"] = strawberry.field(
        description="Further problems found in the same request, so that all can be shown at once."
    )

    def __init_subclass__(cls, *, exception: type[ShopError], code: ErrorCode) -> None:
        cls.exception = exception
        cls.error_code = code
        UserError.by_exception[exception] = cls

    @classmethod
    def from_exception(cls, error: Any, given: Given) -> "UserError":
        """Return `error`, with the others that were found beside it."""
        others = [UserError.by_exception[type(other)].from_exception(other, given) for other in error.others]
        return cls(code=cls.error_code, message=str(error), other_errors=others, **cls.facts(error, given))

    @classmethod
    def facts(cls, error: Any, given: Given) -> dict[str, Any]:
        """Return the fields that this type has beyond those of all refusals."""
        raise NotImplementedError


@strawberry.type(description="A value that breaks a rule.")
class ValidationIssue:
    path: list[str] = strawberry.field(description="Where the value stands in the arguments.")
    message: str = strawberry.field(description="The rule, in a sentence.")


@strawberry.type(description="Values break their rules.")
class ValidationError(UserError, exception=errors.ValidationFailed, code=ErrorCode.VALIDATION):
    issues: list[ValidationIssue] = strawberry.field(description="Every value that breaks a rule.")

    @classmethod
    def facts(cls, error: errors.ValidationFailed, given: Given) -> dict[str, Any]:
        return {"issues": [ValidationIssue(path=given.path(i.path), message=i.message) for i in error.issues]}


@strawberry.type(description="An id names nothing.")
class NotFoundError(UserError, exception=errors.NotFound, code=ErrorCode.NOT_FOUND):
    path: list[str] = strawberry.field(description="Where the id stands in the arguments.")
    id: strawberry.ID = strawberry.field(description="The id as it was given.")

    @classmethod
    def facts(cls, error: errors.NotFound, given: Given) -> dict[str, Any]:
        return {"path": given.path(error.path), "id": given.value(error.path)}


@strawberry.type(description="A value that must be unique is taken.")
class AlreadyExistsError(UserError, exception=errors.AlreadyExists, code=ErrorCode.ALREADY_EXISTS):
    path: list[str] = strawberry.field(description="Where the value stands in the arguments.")

    @classmethod
    def facts(cls, error: errors.AlreadyExists, given: Given) -> dict[str, Any]:
        return {"path": given.path(error.path)}


@strawberry.type(description="A product of which more is wanted than there is.")
class Shortage:
    product_id: strawberry.Private[int]
    path: list[str] = strawberry.field(description="Where the quantity stands in the arguments, first of several.")
    requested: int = strawberry.field(description="How many are wanted, all items of the product together.")
    available: int = strawberry.field(description="How many there are.")

    product: Annotated["Product", strawberry.lazy("shop_graphql.api.catalog")] | None = named(
        models.Product, "product_id", "The product; null when it has been deleted since."
    )


@strawberry.type(description="Stock does not suffice.")
class OutOfStockError(UserError, exception=errors.OutOfStock, code=ErrorCode.OUT_OF_STOCK):
    shortages: list[Shortage] = strawberry.field(description="Every product that is short.")

    @classmethod
    def facts(cls, error: errors.OutOfStock, given: Given) -> dict[str, Any]:
        return {"shortages": [cls._shortage(shortage, given) for shortage in error.shortages]}

    @staticmethod
    def _shortage(shortage: errors.Shortage, given: Given) -> Shortage:
        return Shortage(
            product_id=shortage.product_id,
            path=given.path(shortage.path),
            requested=shortage.requested,
            available=shortage.available,
        )


@strawberry.type(description="Others depend on what was to be deleted.")
class InUseError(UserError, exception=errors.InUse, code=ErrorCode.IN_USE):
    order_count: int | None = strawberry.field(description="In how many orders the product stands; null for others.")
    product_count: int | None = strawberry.field(description="How many products the category has; null for others.")

    @classmethod
    def facts(cls, error: errors.InUse, given: Given) -> dict[str, Any]:  # noqa: ARG003
        return {"order_count": error.order_count, "product_count": error.product_count}


@strawberry.type(description="The idempotency key belongs to another request, with other input.")
class IdempotencyConflictError(UserError, exception=errors.IdempotencyConflict, code=ErrorCode.IDEMPOTENCY_CONFLICT):
    path: list[str] = strawberry.field(description="Where the key stands in the arguments.")

    @classmethod
    def facts(cls, error: errors.IdempotencyConflict, given: Given) -> dict[str, Any]:
        return {"path": given.path(error.path)}


@strawberry.type(description="The order comes to something else than the buyer expected.")
class PriceChangedError(UserError, exception=errors.PriceChanged, code=ErrorCode.PRICE_CHANGED):
    expected: Money = strawberry.field(description="The total that was expected.")
    actual: Money = strawberry.field(description="The total at today's prices.")

    @classmethod
    def facts(cls, error: errors.PriceChanged, given: Given) -> dict[str, Any]:  # noqa: ARG003
        return {"expected": error.expected, "actual": error.actual}


@strawberry.type(description="An order cannot go from the status it has to the one that was asked for.")
class InvalidTransitionError(UserError, exception=errors.InvalidTransition, code=ErrorCode.INVALID_TRANSITION):
    from_: OrderStatus = strawberry.field(name="from", description="The status that the order has.")
    to: OrderStatus = strawberry.field(description="The status that was asked for.")
    allowed: list[OrderStatus] = strawberry.field(description="The statuses that can follow.")

    @classmethod
    def facts(cls, error: errors.InvalidTransition, given: Given) -> dict[str, Any]:  # noqa: ARG003
        allowed = [OrderStatus[name] for name in error.allowed]
        return {"from_": OrderStatus[error.source], "to": OrderStatus[error.target], "allowed": allowed}


@strawberry.type(description="Somebody else has changed it since it was read.")
class VersionConflictError(UserError, exception=errors.VersionConflict, code=ErrorCode.VERSION_CONFLICT):
    current: int = strawberry.field(description="The version, or the stock, that it has now.")

    @classmethod
    def facts(cls, error: errors.VersionConflict, given: Given) -> dict[str, Any]:  # noqa: ARG003
        return {"current": error.current}


@strawberry.type(description="Too much was tried in a short time, for this account or from this address.")
class TooManyAttemptsError(UserError, exception=errors.TooManyAttempts, code=ErrorCode.TOO_MANY_ATTEMPTS):
    retry_after: int = strawberry.field(description="Seconds after which the next attempt is looked at again.")

    @classmethod
    def facts(cls, error: errors.TooManyAttempts, given: Given) -> dict[str, Any]:  # noqa: ARG003
        return {"retry_after": error.retry_after}


@strawberry.type(description="What was shown does not prove who somebody is.")
class InvalidCredentialsError(UserError, exception=errors.InvalidCredentials, code=ErrorCode.INVALID_CREDENTIALS):
    @classmethod
    def facts(cls, error: errors.InvalidCredentials, given: Given) -> dict[str, Any]:  # noqa: ARG003
        return {}


class _Handler:
    """Turns one exception into its type, in the fields whose result union has it."""

    def __init__(self, error_type: type[UserError]) -> None:
        self.exception_type = error_type.exception
        self.error_type = error_type

    def handle(self, exception: ShopError, *, field: StrawberryField, info: Info) -> UserError:  # noqa: ARG002
        return self.error_type.from_exception(exception, Given(info))


HANDLERS = [_Handler(error_type) for error_type in UserError.by_exception.values()]
