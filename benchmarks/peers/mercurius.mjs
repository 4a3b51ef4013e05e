// Fastify and Mercurius with its JIT; one DataLoader per relation; the postgres driver.
import { readFileSync } from "node:fs";
import DataLoader from "dataloader";
import Fastify from "fastify";
import { GraphQLScalarType } from "graphql";
import mercurius from "mercurius";
import postgres from "postgres";

const schema = readFileSync(new URL("shop.graphql", import.meta.url), "utf8");
const sql = postgres(process.env.DATABASE_URL, {
  max: Number(process.env.POOL),
  idle_timeout: 0,
  max_lifetime: null,
  fetch_types: false,
  onnotice() {},
  transform: { column: { from: postgres.toCamel } },
  types: {
    ints: { to: 1007, from: [1007], serialize: (values) => `{${values.join(",")}}`, parse: (text) => text },
  },
});
const ints = (values) => sql.typed(values, 1007);

const one = (q) =>
  new DataLoader(async (ids) => {
    const m = new Map();
    for (const r of await q(ints(ids))) m.set(r.id, r);
    return ids.map((i) => m.get(i) ?? null);
  });
const many = (q, fk) =>
  new DataLoader(async (ids) => {
    const m = new Map(ids.map((i) => [i, []]));
    for (const r of await q(ints(ids))) m.get(r[fk]).push(r);
    return ids.map((i) => m.get(i));
  });
const manyFirst = (q, fk) => {
  // one loader per argument value
  const by = new Map();
  return (n) => {
    let l = by.get(n);
    if (!l) by.set(n, (l = many((ids) => q(ids, n), fk)));
    return l;
  };
};
class Loaders {
  // one per request
  get category() {
    return (this._c ??= one(
      (ids) => sql`select id, name, description, created_at from categories where id = any(${ids})`,
    ));
  }
  get product() {
    return (this._p ??= one(
      (ids) =>
        sql`select id, name, description, price, stock_quantity, category_id, created_at from products where id = any(${ids})`,
    ));
  }
  get user() {
    return (this._u ??= one((ids) => sql`select id, email, full_name, created_at from users where id = any(${ids})`));
  }
  get items() {
    return (this._i ??= many(
      (ids) =>
        sql`select id, order_id, product_id, quantity, unit_price from order_items where order_id = any(${ids}) order by id`,
      "orderId",
    ));
  }
  get orders() {
    return (this._o ??= manyFirst(
      (ids, n) => sql`select o.* from unnest(${ids}) k(id) cross join lateral (
    select id, user_id, status, total_amount, created_at from orders where user_id = k.id order by created_at desc limit ${n}) o`,
      "userId",
    ));
  }
  get categoryProducts() {
    return (this._cp ??= manyFirst(
      (ids, n) => sql`select p.* from unnest(${ids}) k(id) cross join lateral (
    select id, name, description, price, stock_quantity, category_id, created_at from products where category_id = k.id order by id limit ${n}) p`,
      "categoryId",
    ));
  }
}
const resolvers = {
  DateTime: new GraphQLScalarType({ name: "DateTime", serialize: (d) => d.toISOString() }),
  Decimal: new GraphQLScalarType({ name: "Decimal", serialize: (d) => d }),
  Query: {
    product: async (_, { id }) =>
      (
        await sql`select id, name, description, price, stock_quantity, category_id, created_at from products where id = ${id}`
      )[0],
    products: (_, { first }) =>
      sql`select id, name, description, price, stock_quantity, category_id, created_at from products order by created_at desc limit ${first}`,
    user: async (_, { id }) => (await sql`select id, email, full_name, created_at from users where id = ${id}`)[0],
    categories: (_, { first }) =>
      sql`select id, name, description, created_at from categories order by id limit ${first}`,
  },
  Category: { products: (c, { first }, { l }) => l.categoryProducts(first).load(c.id) },
  Product: { category: (p, _, { l }) => l.category.load(p.categoryId) },
  User: { orders: (u, { first }, { l }) => l.orders(first).load(u.id) },
  Order: { items: (o, _, { l }) => l.items.load(o.id), user: (o, _, { l }) => l.user.load(o.userId) },
  OrderItem: { product: (i, _, { l }) => l.product.load(i.productId) },
  Mutation: {
    createOrder: (_, { userId, items }) => {
      if (!items.length) throw new mercurius.ErrorWithProps("order needs items");
      const need = new Map();
      for (const { productId, quantity } of items) {
        if (quantity <= 0) throw new mercurius.ErrorWithProps("quantity must be positive");
        need.set(productId, (need.get(productId) ?? 0) + quantity);
      }
      const ids = [...need.keys()];
      return sql.begin(async (sql) => {
        const ps =
          await sql`select id, price, stock_quantity from products where id = any(${ints(ids)}) order by id for update`;
        const pm = new Map(ps.map((p) => [p.id, p]));
        let cents = 0;
        for (const [id, q] of need) {
          const p = pm.get(id);
          if (!p) throw new mercurius.ErrorWithProps(`unknown product ${id}`);
          if (p.stockQuantity < q) throw new mercurius.ErrorWithProps(`insufficient stock for product ${id}`);
          cents += Math.round(p.price * 100) * q;
        }
        const [o] = await sql`
          with u as (update products p set stock_quantity = p.stock_quantity - w.q
                     from unnest(${ints(ids)}, ${ints([...need.values()])}) w(id, q) where p.id = w.id),
          o as (insert into orders(user_id, total_amount) values (${userId}, ${(cents / 100).toFixed(2)})
                returning id, user_id, status, total_amount, created_at),
          i as (insert into order_items(order_id, product_id, quantity, unit_price)
                select o.id, w.pid, w.q, p.price from o, unnest(${ints(items.map((i) => i.productId))}, ${ints(items.map((i) => i.quantity))}) with ordinality w(pid, q, n)
                join products p on p.id = w.pid order by w.n)
          select * from o`;
        return o;
      });
    },
  },
};
const app = Fastify({ logger: false });
await app.register(mercurius, {
  schema,
  resolvers,
  jit: 1,
  context: () => ({ l: new Loaders() }),
  graphiql: false,
  path: "/graphql",
});
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
console.log("p2 up", process.pid);
