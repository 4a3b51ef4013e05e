// graphql-yoga with drizzle's prepared statements over node-postgres; one DataLoader per relation; YOGA_JIT=1 adds graphql-jit.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { useGraphQlJit } from "@envelop/graphql-jit";
import DataLoader from "dataloader";
import { asc, desc, eq, getTableColumns, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, numeric, pgTable, serial, text, timestamp, varchar } from "drizzle-orm/pg-core";
import { GraphQLError, GraphQLScalarType } from "graphql";
import { createSchema, createYoga } from "graphql-yoga";
import pg from "pg";

const ts = () => timestamp("created_at", { withTimezone: true }).notNull().defaultNow();
const categories = pgTable("categories", {
  id: serial("id").primaryKey(),
  name: varchar("name", { length: 100 }).notNull(),
  description: varchar("description", { length: 500 }),
  createdAt: ts(),
});
const products = pgTable("products", {
  id: serial("id").primaryKey(),
  name: varchar("name", { length: 200 }).notNull(),
  description: text("description"),
  price: numeric("price", { precision: 10, scale: 2 }).notNull(),
  stockQuantity: integer("stock_quantity").notNull().default(0),
  categoryId: integer("category_id").notNull(),
  createdAt: ts(),
});
const users = pgTable("users", {
  id: serial("id").primaryKey(),
  email: varchar("email", { length: 255 }).notNull(),
  fullName: varchar("full_name", { length: 200 }).notNull(),
  createdAt: ts(),
});
const orders = pgTable("orders", {
  id: serial("id").primaryKey(),
  userId: integer("user_id").notNull(),
  status: varchar("status", { length: 50 }).notNull().default("pending"),
  totalAmount: numeric("total_amount", { precision: 10, scale: 2 }).notNull(),
  createdAt: ts(),
});
const orderItems = pgTable("order_items", {
  id: serial("id").primaryKey(),
  orderId: integer("order_id").notNull(),
  productId: integer("product_id").notNull(),
  quantity: integer("quantity").notNull(),
  unitPrice: numeric("unit_price", { precision: 10, scale: 2 }).notNull(),
});

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: Number(process.env.POOL),
  idleTimeoutMillis: 0,
});
const db = drizzle(pool);
const ph = sql.placeholder;
const anyIds = (col) => sql`${col} = any(${ph("ids")}::int[])`;

// ----- prepared statements
const productById = db
  .select()
  .from(products)
  .where(eq(products.id, ph("id")))
  .prepare("product_by_id");
const newestProducts = db
  .select()
  .from(products)
  .orderBy(desc(products.createdAt))
  .limit(ph("first"))
  .prepare("newest_products");
const userById = db
  .select()
  .from(users)
  .where(eq(users.id, ph("id")))
  .prepare("user_by_id");
const firstCategories = db
  .select()
  .from(categories)
  .orderBy(asc(categories.id))
  .limit(ph("first"))
  .prepare("first_categories");
const categoriesByIds = db.select().from(categories).where(anyIds(categories.id)).prepare("categories_by_ids");
const productsByIds = db.select().from(products).where(anyIds(products.id)).prepare("products_by_ids");
const usersByIds = db.select().from(users).where(anyIds(users.id)).prepare("users_by_ids");
const itemsByOrders = db
  .select()
  .from(orderItems)
  .where(anyIds(orderItems.orderId))
  .orderBy(asc(orderItems.id))
  .prepare("items_by_orders");
const topN = (table, fk, order, name) => {
  const sub = db
    .select()
    .from(table)
    .where(eq(fk, sql`k.id`))
    .orderBy(order)
    .limit(ph("first"))
    .as("t");
  return db
    .select(Object.fromEntries(Object.keys(getTableColumns(table)).map((k) => [k, sub[k]])))
    .from(sql`unnest(${ph("ids")}::int[]) as k(id)`)
    .crossJoinLateral(sub)
    .prepare(name);
};
const ordersByUsers = topN(orders, orders.userId, desc(orders.createdAt), "orders_by_users");
const productsByCategories = topN(products, products.categoryId, asc(products.id), "products_by_categories");

// ----- loaders, one set per request
const one = (stmt) =>
  new DataLoader(async (ids) => {
    const m = new Map();
    for (const r of await stmt.execute({ ids })) m.set(r.id, r);
    return ids.map((i) => m.get(i) ?? null);
  });
const many = (stmt, fk) =>
  new DataLoader(async (ids) => {
    const m = new Map(ids.map((i) => [i, []]));
    for (const r of await stmt.execute({ ids })) m.get(r[fk]).push(r);
    return ids.map((i) => m.get(i));
  });
const manyFirst = (stmt, fk) => {
  // one loader per argument value
  const by = new Map();
  return (first) => {
    let l = by.get(first);
    if (!l) by.set(first, (l = many({ execute: (a) => stmt.execute({ ...a, first }) }, fk)));
    return l;
  };
};
class Loaders {
  get category() {
    return (this._c ??= one(categoriesByIds));
  }
  get product() {
    return (this._p ??= one(productsByIds));
  }
  get user() {
    return (this._u ??= one(usersByIds));
  }
  get items() {
    return (this._i ??= many(itemsByOrders, "orderId"));
  }
  get orders() {
    return (this._o ??= manyFirst(ordersByUsers, "userId"));
  }
  get categoryProducts() {
    return (this._cp ??= manyFirst(productsByCategories, "categoryId"));
  }
}

const resolvers = {
  DateTime: new GraphQLScalarType({ name: "DateTime", serialize: (d) => d.toISOString() }),
  Decimal: new GraphQLScalarType({ name: "Decimal", serialize: (d) => d }),
  Query: {
    product: async (_, { id }) => (await productById.execute({ id }))[0],
    products: (_, { first }) => newestProducts.execute({ first }),
    user: async (_, { id }) => (await userById.execute({ id }))[0],
    categories: (_, { first }) => firstCategories.execute({ first }),
  },
  Category: { products: (c, { first }, { l }) => l.categoryProducts(first).load(c.id) },
  Product: { category: (p, _, { l }) => l.category.load(p.categoryId) },
  User: { orders: (u, { first }, { l }) => l.orders(first).load(u.id) },
  Order: { items: (o, _, { l }) => l.items.load(o.id), user: (o, _, { l }) => l.user.load(o.userId) },
  OrderItem: { product: (i, _, { l }) => l.product.load(i.productId) },
  Mutation: {
    createOrder: (_, { userId, items }) => {
      if (!items.length) throw new GraphQLError("order needs items");
      const need = new Map();
      for (const { productId, quantity } of items) {
        if (quantity <= 0) throw new GraphQLError("quantity must be positive");
        need.set(productId, (need.get(productId) ?? 0) + quantity);
      }
      const ids = [...need.keys()],
        qs = [...need.values()];
      return db.transaction(async (tx) => {
        const ps = await tx
          .select({ id: products.id, price: products.price, stock: products.stockQuantity })
          .from(products)
          .where(sql`${products.id} = any(${sql.param(ids)}::int[])`)
          .orderBy(asc(products.id))
          .for("update");
        const pm = new Map(ps.map((p) => [p.id, p]));
        let cents = 0;
        for (const [id, q] of need) {
          const p = pm.get(id);
          if (!p) throw new GraphQLError(`unknown product ${id}`);
          if (p.stock < q) throw new GraphQLError(`insufficient stock for product ${id}`);
          cents += Math.round(p.price * 100) * q;
        }
        await tx
          .update(products)
          .set({ stockQuantity: sql`${products.stockQuantity} - w.q` })
          .from(sql`unnest(${sql.param(ids)}::int[], ${sql.param(qs)}::int[]) as w(id, q)`)
          .where(sql`${products.id} = w.id`);
        const [o] = await tx
          .insert(orders)
          .values({ userId, totalAmount: (cents / 100).toFixed(2) })
          .returning();
        await tx
          .insert(orderItems)
          .values(
            items.map((i) => ({
              orderId: o.id,
              productId: i.productId,
              quantity: i.quantity,
              unitPrice: pm.get(i.productId).price,
            })),
          );
        return o;
      });
    },
  },
};
const yoga = createYoga({
  schema: createSchema({ typeDefs: readFileSync(new URL("shop.graphql", import.meta.url), "utf8"), resolvers }),
  context: () => ({ l: new Loaders() }),
  plugins: process.env.YOGA_JIT ? [useGraphQlJit()] : [],
  logging: false,
  graphiql: false,
  landingPage: false,
  cors: false,
  batching: false,
  multipart: false,
  graphqlEndpoint: "/graphql",
});
createServer({ keepAliveTimeout: 60_000 }, yoga).listen(Number(process.env.PORT), "127.0.0.1");
