/** What somebody has ordered, and calling it off. */

import { useState } from "react";
import { useMutation, useQuery } from "urql";

import { graphql } from "../gql";
import type { CancelMutation, OrdersQuery, OrderStatus } from "../gql/graphql";
import { price } from "../money";
import { never } from "../never";
import { explain, Failure, Notice } from "../parts/notice";
import { Link, Title } from "../router";

const Orders = graphql(`
  query Orders($first: Int!) {
    me {
      id
      orders(first: $first) {
        nodes {
          id status totalAmount createdAt version allowedTransitions
          items { id productName quantity unitPrice lineTotal product { id } }
        }
        pageInfo { hasNextPage }
      }
    }
  }
`);

const Cancel = graphql(`
  mutation Cancel($input: CancelOrderInput!) {
    cancelOrder(input: $input) {
      __typename
      ... on CancelOrderSuccess { order { id status version allowedTransitions items { product { id stockQuantity } } } }
      ... on InvalidTransitionError { from }
      ... on UserError { message }
    }
  }
`);

type Order = NonNullable<OrdersQuery["me"]>["orders"]["nodes"][number];

const STATUSES: Record<OrderStatus, string> = { PENDING: "On its way", COMPLETED: "Delivered", CANCELLED: "Cancelled" };
const date = new Intl.DateTimeFormat("en", { dateStyle: "long" });

export function OrdersPage() {
  const [first, setFirst] = useState(20);
  const [{ data, error, fetching }, again] = useQuery({ query: Orders, variables: { first }, requestPolicy: "cache-and-network" });
  const reload = () => again({ requestPolicy: "network-only" });
  if (error && !data) return <><Title text="My orders" /><Failure error={error} retry={reload} /></>;
  const orders = data?.me?.orders;
  return (
    <>
      <Title text="My orders" />
      {!data && fetching && <p className="loading" role="status">Loading …</p>}
      {orders?.nodes.length === 0 && <p>You have not ordered anything yet. <Link to="/">Look around in the shop</Link></p>}
      <ul className="orders">{orders?.nodes.map((order) => <OrderCard key={order.id} order={order} reload={reload} />)}</ul>
      {orders?.pageInfo.hasNextPage && first < 100 && <button className="more" onClick={() => setFirst(100)}>Show more</button>}
    </>
  );
}

function OrderCard({ order, reload }: { order: Order; reload: () => void }) {
  const [{ fetching }, cancel] = useMutation(Cancel);
  const [key] = useState(() => crypto.randomUUID());
  const [asked, setAsked] = useState(false);
  const [said, setSaid] = useState<string | null>(null);

  async function callOff() {
    const { data, error } = await cancel({ input: { orderId: order.id, expectedVersion: order.version, idempotencyKey: key } });
    setSaid(data ? told(data.cancelOrder) : error ? `${explain(error)} Try again: it cannot be cancelled twice.` : null);
    setAsked(false);
    if (data && data.cancelOrder.__typename !== "CancelOrderSuccess") reload();
  }

  return (
    <li className="order">
      <div className="row bar">
        <h2>{date.format(new Date(order.createdAt))}</h2>
        <span className={`status ${order.status.toLowerCase()}`}>{STATUSES[order.status]}</span>
      </div>
      <ul>
        {order.items.map((item) => (
          <li key={item.id}><Link to={`/product/${item.product.id}`}>{item.productName}</Link>, {item.quantity} × {price(item.unitPrice)}</li>
        ))}
      </ul>
      {said && <Notice kind={order.status === "CANCELLED" ? "good" : "bad"}><p>{said}</p></Notice>}
      <div className="row bar">
        <div className="row">
          <span className="quiet">{order.id}</span>
          {order.allowedTransitions.includes("CANCELLED") && (
            asked
              ? <>Really? <button onClick={() => void callOff()} disabled={fetching}>Yes, cancel it</button> <button className="plain" onClick={() => setAsked(false)}>No</button></>
              : <button className="plain" onClick={() => setAsked(true)} aria-label={`Cancel order ${order.id}`}>Cancel</button>
          )}
        </div>
        <strong>{price(order.totalAmount)}</strong>
      </div>
    </li>
  );
}

function told(result: CancelMutation["cancelOrder"]): string {
  switch (result.__typename) {
    case "CancelOrderSuccess":
      return "The order is cancelled.";
    case "InvalidTransitionError":
      return `Too late: the order is ${STATUSES[result.from].toLowerCase()}.`;
    case "VersionConflictError":
      return "The order has changed meanwhile; look at it and try again.";
    case "NotFoundError":
    case "ValidationError":
    case "IdempotencyConflictError":
      return result.message;
    default:
      return never(result);
  }
}
