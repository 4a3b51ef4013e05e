/** What the shop's people want to see: how it sells, what runs out, and the stock put right. */

import { type FormEvent, useMemo, useState } from "react";
import { useMutation, useQuery } from "urql";

import { graphql } from "../gql";
import type { AdjustStockMutation, Interval, StaffQuery } from "../gql/graphql";
import { price } from "../money";
import { never } from "../never";
import { Chart } from "../parts/chart";
import { explain, Failure, Notice } from "../parts/notice";
import { Link, Title } from "../router";

const Staff = graphql(`
  query Staff($range: ReportRange!, $interval: Interval!, $timeZone: String!) {
    reports {
      sales(range: $range, interval: $interval, timeZone: $timeZone) { from orderCount unitsSold revenue }
      topProducts(range: $range, first: 5) { product { id name } unitsSold revenue }
    }
    products(first: 10, where: { stockQuantity: { lte: 5 } }, orderBy: [{ field: STOCK_QUANTITY }, { field: NAME }]) {
      nodes { id name stockQuantity }
    }
  }
`);

const AdjustStock = graphql(`
  mutation AdjustStock($input: AdjustStockInput!) {
    adjustStock(input: $input) {
      __typename
      ... on AdjustStockSuccess { product { id stockQuantity } }
      ... on VersionConflictError { current }
      ... on UserError { message }
    }
  }
`);

const DAY = 24 * 60 * 60 * 1000;
const RANGES: Record<string, { days: number; interval: Interval }> = {
  "30 days": { days: 30, interval: "DAY" },
  "26 weeks": { days: 182, interval: "WEEK" },
  "12 months": { days: 365, interval: "MONTH" },
};

export function StaffPage() {
  const [chosen, setChosen] = useState("12 months");
  const { days, interval } = RANGES[chosen]!;
  const variables = useMemo(() => {
    const now = Date.now();
    return {
      range: { gte: new Date(now - days * DAY).toISOString(), lt: new Date(now).toISOString() },
      interval,
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    };
  }, [days, interval]);
  const [{ data, error }, again] = useQuery({ query: Staff, variables, requestPolicy: "network-only" });
  return (
    <>
      <div className="row bar">
        <Title text="How the shop sells" />
        <label>In the last <select value={chosen} onChange={(event) => setChosen(event.target.value)}>{Object.keys(RANGES).map((name) => <option key={name}>{name}</option>)}</select></label>
      </div>
      {error && !data && <Failure error={error} retry={() => again({ requestPolicy: "network-only" })} />}
      {data && <Report data={data} interval={interval} />}
    </>
  );
}

function Report({ data, interval }: { data: StaffQuery; interval: Interval }) {
  const { sales, topProducts } = data.reports;
  // Whoever puts a stock right sees that it was done: the row stays, though the page is then told anew what runs out.
  const [low] = useState(data.products.nodes);
  return (
    <>
      <section aria-label="Revenue" className="panel"><Chart sales={sales} interval={interval} /></section>
      <div className="columns">
        <section className="panel">
          <h2>What brought most</h2>
          <table>
            <thead><tr><th scope="col">Product</th><th scope="col">Sold</th><th scope="col">Revenue</th></tr></thead>
            <tbody>
              {topProducts.map(({ product, unitsSold, revenue }) => (
                <tr key={product.id}><td><Link to={`/product/${product.id}`}>{product.name}</Link></td><td>{unitsSold}</td><td>{price(revenue)}</td></tr>
              ))}
            </tbody>
          </table>
        </section>
        <section className="panel">
          <h2>What runs out</h2>
          {low.map((product) => <StockForm key={product.id} product={product} />)}
        </section>
      </div>
    </>
  );
}

function StockForm({ product }: { product: StaffQuery["products"]["nodes"][number] }) {
  const [{ fetching }, adjust] = useMutation(AdjustStock);
  const [stock, setStock] = useState(product.stockQuantity);
  const [said, setSaid] = useState("");
  const [key, setKey] = useState(() => crypto.randomUUID());

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const delta = Number(new FormData(form).get("delta"));
    const { data, error } = await adjust({
      input: { productId: product.id, delta, expectedStock: stock, idempotencyKey: key, reason: "counted by hand" },
    });
    if (error) return setSaid(`${explain(error)} Try again: it is changed once.`);
    setKey(crypto.randomUUID());
    const result = data!.adjustStock;
    setSaid(told(result));
    if (result.__typename === "AdjustStockSuccess") {
      setStock(result.product.stockQuantity);
      form.reset();
    }
    if (result.__typename === "VersionConflictError") setStock(result.current);
  }

  return (
    <form className="row stock-form" onSubmit={(event) => void submit(event)}>
      <Link to={`/product/${product.id}`}>{product.name}</Link>
      <output aria-label={`Stock of ${product.name}`}>{stock}</output>
      <label><span className="unseen">Change the stock of {product.name} by</span><input name="delta" type="number" required min={-1000000} max={1000000} placeholder="+/−" /></label>
      <button disabled={fetching}>Change</button>
      <div aria-live="polite" className="whole">{said && <p className="quiet">{said}</p>}</div>
    </form>
  );
}

function told(result: AdjustStockMutation["adjustStock"]): string {
  switch (result.__typename) {
    case "AdjustStockSuccess":
      return "Changed.";
    case "VersionConflictError":
      return `Somebody else has changed it: there are ${result.current} now.`;
    case "OutOfStockError":
      return "There are not as many to take away.";
    case "NotFoundError":
    case "ValidationError":
    case "IdempotencyConflictError":
      return result.message;
    default:
      return never(result);
  }
}
