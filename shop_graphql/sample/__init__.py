"""A believable shop, the same for everybody who asks for the same size and random seed."""

from shop_graphql.sample.loading import NotEmpty, load
from shop_graphql.sample.rows import Size

__all__ = ["NotEmpty", "Size", "load"]
