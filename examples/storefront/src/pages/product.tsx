/** One product, and what stands beside it on its shelf. */

import { useState } from "react";
import { useQuery } from "urql";

import { add, MOST_PIECES } from "../cart";
import { graphql } from "../gql";
import { price } from "../money";
import { Art } from "../parts/art";
import { Failure, Notice } from "../parts/notice";
import { ProductCard, Stock } from "../parts/product-card";
import { Link, Title } from "../router";

const Product = graphql(`
  query Product($id: ID!) {
    product(id: $id) {
      ...Card
      description
      sku
      archivedAt
      category { products(first: 5, where: { inStock: true }) { nodes { ...Card } } }
    }
  }
`);

export function ProductPage({ id }: { id: string }) {
  const [{ data, error, fetching }, again] = useQuery({ query: Product, variables: { id }, requestPolicy: "cache-and-network" });
  const [quantity, setQuantity] = useState(1);
  const [said, setSaid] = useState("");
  if (error && !data) return <Failure error={error} retry={() => again({ requestPolicy: "network-only" })} />;
  if (fetching && !data) return <p className="loading" role="status">Loading …</p>;
  const product = data?.product;
  if (!product) return <><Title text="There is no such product" /><p><Link to="/">Back to the shop</Link></p></>;

  const most = Math.min(product.stockQuantity, MOST_PIECES);
  const others = product.category.products.nodes.filter((other) => other.id !== product.id).slice(0, 4);
  const putIntoCart = () =>
    setSaid(add(product, quantity) ? `${quantity} × ${product.name} is in your cart.` : "An order is under way; see your cart.");

  return (
    <article>
      <nav aria-label="Where you are" className="crumbs">
        <Link to="/">Shop</Link> <span aria-hidden="true">›</span> <Link to={`/?category=${product.category.id}`}>{product.category.name}</Link>
      </nav>
      <div className="product">
        <Art id={product.id} category={product.category.name} />
        <div className="facts">
          <Title text={product.name} />
          <p className="amount">{price(product.price)}</p>
          <p><Stock quantity={product.archivedAt ? 0 : product.stockQuantity} /></p>
          {product.description && <p>{product.description}</p>}
          {product.archivedAt || most === 0 ? (
            <Notice kind="wait"><p>This cannot be ordered at the moment.</p></Notice>
          ) : (
            <form className="row" onSubmit={(event) => { event.preventDefault(); putIntoCart(); }}>
              <label>Quantity <input type="number" min={1} max={most} required value={quantity || ""} onChange={(event) => setQuantity(event.target.valueAsNumber || 0)} /></label>
              <button className="main">Add to cart</button>
            </form>
          )}
          <div aria-live="polite">{said && <p className="notice good">{said} <Link to="/cart">Go to the cart</Link></p>}</div>
          {product.sku && <p className="quiet">SKU {product.sku}</p>}
        </div>
      </div>
      {others.length > 0 && (
        <section>
          <h2>More from {product.category.name}</h2>
          <ul className="cards shelf">{others.map((other) => <ProductCard key={other.id} product={other} />)}</ul>
        </section>
      )}
    </article>
  );
}
