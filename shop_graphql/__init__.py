"""A GraphQL shop backend on PostgreSQL: users, categories, products, orders."""

from importlib.metadata import version

__version__ = version("shop-graphql")
