"""How large the sample shop is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """How much of everything. The same size and seed give the same shop."""

    categories: int = 16
    products: int = 1_000
    users: int = 1_000
    orders: int = 10_000
    random_seed: int = 1

    def is_possible(self) -> bool:
        """Tell whether there is somebody to order and something to be ordered, on some shelf."""
        return (self.categories > 0 or not self.products) and (min(self.users, self.products) > 0 or not self.orders)
