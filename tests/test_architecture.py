"""House rules: who may import whom, and that what is written down is what is served."""

import ast
from pathlib import Path

import pytest
from graphql import GraphQLInputObjectType, GraphQLInterfaceType, GraphQLNamedType, GraphQLObjectType, GraphQLUnionType

from shop_graphql.access import FIELDS, ROWS, VALUES
from shop_graphql.api.errors import UserError
from shop_graphql.api.nodes import Node
from shop_graphql.api.schema import schema, sdl
from shop_graphql.errors import ShopError

ROOT = Path(__file__).parent.parent
GROUND = {"access", "bundles", "calendar", "deferred", "errors", "text", "values"}
ALLOWED = {
    "access": set(),
    "bundles": set(),
    "calendar": set(),
    "compiler": {"pace"},
    "deferred": set(),
    "direct": {"outage", "pace", "settings"},
    "tracing": set(),
    "errors": set(),
    "text": set(),
    "values": set(),
    "settings": set(),
    "storefront": set(),
    "auth": set(),
    "connection": set(),
    "consistency": set(),
    "database": {"direct", "outage", "reading", "replica", "retrying", "session_settings", "settings", "tracing"},
    "reading": {"outage", "pace", "replica", "retrying"},
    "session_settings": {"connection", "settings"},
    "replica": {"direct", "pace", "retrying"},
    "outage": set(),
    "pace": set(),
    "pulse": set(),
    "draining": set(),
    "corking": set(),
    "protocol": {"corking", "draining", "serving", "sockets"},
    "retrying": set(),
    "embedded": {"settings"},
    "migration": {"connection"},
    "models": set(),
    "sample": {"connection", "models"},
    "statements": {"models", "pace"},
    "services": {"models", "database", "statements"},
    "loaders": {"models", "reading", "statements"},
    "api": {
        "accounts",
        "auth",
        "compiler",
        "models",
        "database",
        "direct",
        "pace",
        "reading",
        "statements",
        "services",
        "loaders",
        "settings",
        "tracing",
        "watches",
    },
    "housekeeping": {"database", "services"},
    "accounts": {"auth", "database", "models", "services", "settings"},
    "demo_accounts": {"auth", "database", "services", "settings"},
    "app": {
        "accounts",
        "housekeeping",
        "session_settings",
        "settings",
        "database",
        "connection",
        "draining",
        "migration",
        "api",
        "pulse",
        "storefront",
        "sockets",
        "watches",
    },
    "explaining": {"api", "compiler", "connection", "database", "settings", "statements"},
    "serving": {"draining", "sockets"},
    "sockets": set(),
    "watches": {"database", "services"},
    "product_files": {"services"},
    "exchange": {"settings", "connection", "database", "models", "reading", "services", "product_files", "serving"},
    "commands": {
        "auth",
        "database",
        "demo_accounts",
        "explaining",
        "settings",
        "connection",
        "consistency",
        "embedded",
        "migration",
        "sample",
        "serving",
        "sockets",
        "services",
        "product_files",
        "exchange",
    },
    "cli": {"commands", "sample", "api"},
    "__main__": {"cli"},
}
MODULES = sorted(
    path for path in (ROOT / "shop_graphql").rglob("*.py") if path.name != "__init__.py" or path.parent.name
)


def ring(name: str) -> str | None:
    """Return the ring of a module of the package by its dotted name."""
    parts = name.split(".")
    return parts[1] if parts[0] == "shop_graphql" and len(parts) > 1 else None


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "shop_graphql":
            found |= {f"shop_graphql.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_inwards(path: Path) -> None:
    here = ring(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    if here is None:
        return
    there = {target for name in imports(path) if (target := ring(name)) is not None}
    assert there - ALLOWED[here] - {here} - GROUND == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_api_knows_strawberry(path: Path) -> None:
    known = {name.split(".")[0] for name in imports(path)} & {"strawberry", "graphql"}
    allowed = {"api": {"strawberry", "graphql"}, "compiler": {"graphql"}}
    assert known <= allowed.get(path.parent.name, set())


def test_schema_graphql_is_what_is_served() -> None:
    assert (ROOT / "schema.graphql").read_text() == sdl(), "run: make schema"


def test_everything_in_the_schema_is_described() -> None:
    missing = [name for type_ in schema._schema.type_map.values() for name in _undescribed(type_)]
    assert missing == []


def _undescribed(type_: GraphQLNamedType) -> list[str]:
    if type_.name.startswith("__"):
        return []
    names = [] if type_.description else [type_.name]
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        for name, field in type_.fields.items():
            names += [] if field.description else [f"{type_.name}.{name}"]
            arguments = getattr(field, "args", {})
            names += [
                f"{type_.name}.{name}.{key}"
                for key, value in arguments.items()
                if not value.description and key != "input"
            ]
    for name, value in getattr(type_, "values", {}).items():
        names += [] if value.description else [f"{type_.name}.{name}"]
    return names


def test_every_refusal_has_its_type() -> None:
    assert set(UserError.by_exception) == set(ShopError.__subclasses__())


def test_every_result_is_a_union_of_one_success_and_refusals() -> None:
    mutation = schema._schema.mutation_type
    assert mutation is not None
    for name, field in mutation.fields.items():
        union = field.type.of_type
        assert isinstance(union, GraphQLUnionType)
        assert union.name == f"{name[0].upper()}{name[1:]}Result"
        members = {member.name for member in union.types}
        success = union.name.removesuffix("Result") + "Success"
        assert success in members
        refusals = {error.__name__ for error in UserError.by_exception.values()}
        assert members - {success} <= refusals
        assert list(field.args) == ["input"]


def test_every_field_has_a_rule_of_access() -> None:
    types = {
        name: type_
        for name, type_ in schema._schema.type_map.items()
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__")
    }
    assert set(types) == set(FIELDS) | VALUES
    for name, roles in FIELDS.items():
        ruled = sorted(field for fields in roles.values() for field in fields.split())
        assert ruled == sorted(types[name].fields)


def test_every_table_that_is_read_has_a_rule_of_access() -> None:
    assert set(ROWS) == {model.__tablename__ for model in Node.by_model}
