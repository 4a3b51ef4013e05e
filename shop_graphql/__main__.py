"""`python -m shop_graphql` is the command `shop-graphql`."""

from shop_graphql.cli import main

if __name__ == "__main__":
    main()
