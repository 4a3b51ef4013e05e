/** A product in a list. */

import { graphql } from "../gql";
import type { CardFragment } from "../gql/graphql";
import { price } from "../money";
import { Link } from "../router";
import { Art } from "./art";

graphql(`
  fragment Card on Product { id name price stockQuantity category { id name } }
`);

export function ProductCard({ product }: { product: CardFragment }) {
  return (
    <li className="card">
      <Art id={product.id} category={product.category.name} />
      <div>
        <p className="quiet">{product.category.name}</p>
        <h3><Link to={`/product/${product.id}`}>{product.name}</Link></h3>
        <p className="row"><strong>{price(product.price)}</strong> <Stock quantity={product.stockQuantity} /></p>
      </div>
    </li>
  );
}

export function Stock({ quantity }: { quantity: number }) {
  if (quantity === 0) return <span className="stock none">Sold out</span>;
  if (quantity <= 5) return <span className="stock few">Only {quantity} left</span>;
  return <span className="stock">In stock</span>;
}
