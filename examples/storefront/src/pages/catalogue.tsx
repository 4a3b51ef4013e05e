/** The catalogue. What is searched, filtered and sorted stands in the address, so that it can be sent to others. */

import { useEffect, useRef, useState } from "react";
import type { CombinedError } from "urql";

import { client } from "../client";
import { graphql } from "../gql";
import type { CardFragment, CatalogueQuery, CatalogueQueryVariables, ProductSort, ProductWhere } from "../gql/graphql";
import { Filters } from "../parts/filters";
import { Failure } from "../parts/notice";
import { ProductCard } from "../parts/product-card";
import { go, Title, usePlace } from "../router";

const Catalogue = graphql(`
  query Catalogue($where: ProductWhere, $orderBy: [ProductSort!], $after: String, $isFirst: Boolean!, $bounds: [Money!]!, $chosen: [ID!]!) {
    products(first: 24, after: $after, where: $where, orderBy: $orderBy) {
      nodes { ...Card }
      pageInfo { hasNextPage endCursor }
      totalCount @include(if: $isFirst) { value precision }
      facets @include(if: $isFirst) {
        categories(first: 12) { category { id name } count }
        prices(bounds: $bounds) { from to count }
      }
    }
    chosen: categories(where: { ids: $chosen }, first: 50) @include(if: $isFirst) { nodes { id name } }
  }
`);

const BOUNDS = ["10", "25", "50", "100"];
const SORTS: Record<string, { label: string; orderBy?: ProductSort[] }> = {
  "": { label: "Best first" },
  cheap: { label: "Cheapest first", orderBy: [{ field: "PRICE", direction: "ASC" }] },
  dear: { label: "Dearest first", orderBy: [{ field: "PRICE", direction: "DESC" }] },
  name: { label: "By name", orderBy: [{ field: "NAME", direction: "ASC" }] },
};
const AMOUNT = /^\d{1,8}(\.\d{1,2})?$/;

export function CataloguePage() {
  const { parameters } = usePlace();
  const { first, nodes, error, loading, hasMore, more } = useProducts(parameters.toString());
  const words = parameters.get("q");

  function change(changes: Record<string, string[]>) {
    const next = new URLSearchParams(parameters);
    for (const [name, values] of Object.entries(changes)) {
      next.delete(name);
      for (const value of values) if (value) next.append(name, value);
    }
    go(next.size ? `/?${next}` : "/");
  }

  return (
    <>
      <Title text={words ? `“${words}”` : "Everything for the house, the garden and the way there"} />
      <div className="catalogue">
        <Filters facets={first?.products.facets} chosen={first?.chosen} parameters={parameters} change={change} />
        <section aria-label="Products" aria-busy={loading}>
          <div className="row bar">
            <p role="status">{first?.products.totalCount ? told(first.products.totalCount) : "Looking …"}</p>
            <label>
              Sort{" "}
              <select value={parameters.get("sort") ?? ""} onChange={(event) => change({ sort: [event.target.value] })}>
                {Object.entries(SORTS).map(([key, { label }]) => (
                  <option key={key} value={key}>{key === "" && !words ? "Newest first" : label}</option>
                ))}
              </select>
            </label>
          </div>
          {error && <Failure error={error} retry={more} />}
          <ul className="cards">{nodes.map((product) => <ProductCard key={product.id} product={product} />)}</ul>
          {first && nodes.length === 0 && <p>Nothing is like that. Take a filter away, or try other words.</p>}
          {hasMore && !error && <More loading={loading} more={more} />}
        </section>
      </div>
    </>
  );
}

const told = ({ value, precision }: NonNullable<CatalogueQuery["products"]["totalCount"]>) =>
  `${precision === "AT_LEAST" ? "More than " : ""}${value.toLocaleString("en")} ${value === 1 ? "product" : "products"}`;

function useProducts(search: string) {
  const [pages, setPages] = useState<{ search: string; list: CatalogueQuery[] }>({ search, list: [] });
  const [error, setError] = useState<CombinedError>();
  const [loading, setLoading] = useState(false);
  const latest = useRef(search);
  latest.current = search;

  async function load(list: CatalogueQuery[]) {
    setLoading(true);
    const result = await client.query(Catalogue, variables(new URLSearchParams(search), list.at(-1))).toPromise();
    if (latest.current !== search) return;
    setLoading(false);
    setError(result.error);
    if (result.data) setPages({ search, list: [...list, result.data] });
  }

  useEffect(() => {
    void load([]);
  }, [search]);

  const list = pages.search === search ? pages.list : [];
  // What was found before stays in sight until there is something new.
  const shown = list.length ? list : pages.list;
  const nodes: CardFragment[] = shown.flatMap(({ products }) => products.nodes);
  return {
    first: shown[0],
    nodes,
    error,
    loading,
    hasMore: list.at(-1)?.products.pageInfo.hasNextPage ?? false,
    more: () => void (loading || load(list)),
  };
}

function variables(parameters: URLSearchParams, previous: CatalogueQuery | undefined): CatalogueQueryVariables {
  const where: ProductWhere = {};
  const categories = parameters.getAll("category");
  const [gte, lte] = ["min", "max"].map((name) => parameters.get(name)).map((text) => (text && AMOUNT.test(text) ? text : null));
  const words = parameters.get("q");
  if (words) where.search = words;
  if (categories.length) where.categoryIds = categories;
  if (parameters.has("stock")) where.inStock = true;
  if (gte || lte) where.price = { ...(gte && { gte }), ...(lte && { lte }) };
  const { orderBy } = SORTS[parameters.get("sort") ?? ""] ?? {};
  const after = previous?.products.pageInfo.endCursor;
  return { where, bounds: BOUNDS, chosen: categories, isFirst: !previous, ...(orderBy && { orderBy }), ...(after && { after }) };
}

/** Fetches the next page when it comes into sight; a button too, for those who come by keyboard. */
function More({ loading, more }: { loading: boolean; more: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  const call = useRef(more);
  call.current = more;
  useEffect(() => {
    const watcher = new IntersectionObserver(([entry]) => entry?.isIntersecting && call.current(), { rootMargin: "300px" });
    watcher.observe(button.current!);
    return () => watcher.disconnect();
  }, [loading]);
  return <button ref={button} className="more" aria-disabled={loading} onClick={more}>{loading ? "Loading …" : "Show more"}</button>;
}
