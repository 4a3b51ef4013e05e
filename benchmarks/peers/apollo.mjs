// Apollo Server with Prisma: the selection becomes one select, joined by Prisma (relationJoins), as Pothos' plugin does.
import { readFileSync } from "node:fs";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { PrismaPg } from "@prisma/adapter-pg";
import prismaClient from "@prisma/client";
import { GraphQLError, GraphQLScalarType } from "graphql";
import { getArgumentValues } from "graphql/execution/values.js";

const typeDefs = readFileSync(new URL("shop.graphql", import.meta.url), "utf8");
const adapter = new PrismaPg({
  connectionString: process.env.DATABASE_URL,
  max: Number(process.env.POOL),
  idleTimeoutMillis: 0,
});
const prisma = new prismaClient.PrismaClient({ adapter });

const nested = {
  "Category.products": ({ first }) => ({ take: first, orderBy: { id: "asc" } }),
  "User.orders": ({ first }) => ({ take: first, orderBy: { createdAt: "desc" } }),
  "Order.items": () => ({ orderBy: { id: "asc" } }),
};
const named = (t) => {
  while (t.ofType) t = t.ofType;
  return t;
};
const pick = (type, sets, info, out = {}) => {
  for (const set of sets)
    for (const s of set.selections) {
      if (s.kind === "Field") {
        if (s.name.value === "__typename") continue;
        const def = type.getFields()[s.name.value];
        out[s.name.value] = s.selectionSet
          ? {
              ...nested[`${type.name}.${s.name.value}`]?.(getArgumentValues(def, s, info.variableValues)),
              select: pick(named(def.type), [s.selectionSet], info),
            }
          : true;
      } else
        pick(
          type,
          [s.kind === "InlineFragment" ? s.selectionSet : info.fragments[s.name.value].selectionSet],
          info,
          out,
        );
    }
  return out;
};
const select = (info) =>
  pick(
    named(info.returnType),
    info.fieldNodes.map((n) => n.selectionSet),
    info,
  );
const join = { relationLoadStrategy: "join" };
const resolvers = {
  DateTime: new GraphQLScalarType({ name: "DateTime", serialize: (d) => d.toISOString() }),
  Decimal: new GraphQLScalarType({ name: "Decimal", serialize: (d) => d.toFixed(2) }),
  Query: {
    product: (_, { id }, c, info) => prisma.product.findUnique({ where: { id }, select: select(info) }),
    products: (_, { first }, c, info) =>
      prisma.product.findMany({ ...join, take: first, orderBy: { createdAt: "desc" }, select: select(info) }),
    user: (_, { id }, c, info) => prisma.user.findUnique({ ...join, where: { id }, select: select(info) }),
    categories: (_, { first }, c, info) =>
      prisma.category.findMany({ ...join, take: first, orderBy: { id: "asc" }, select: select(info) }),
  },
  Mutation: {
    createOrder: (_, { userId, items }, c, info) => {
      if (!items.length) throw new GraphQLError("order needs items");
      const need = new Map();
      for (const { productId, quantity } of items) {
        if (quantity <= 0) throw new GraphQLError("quantity must be positive");
        need.set(productId, (need.get(productId) ?? 0) + quantity);
      }
      return prisma.$transaction(async (tx) => {
        for (const [id, q] of [...need].sort((a, b) => a[0] - b[0])) {
          const { count } = await tx.product.updateMany({
            where: { id, stockQuantity: { gte: q } },
            data: { stockQuantity: { decrement: q } },
          });
          if (!count) throw new GraphQLError(`insufficient stock for product ${id}`);
        }
        const pm = new Map(
          (
            await tx.product.findMany({ where: { id: { in: [...need.keys()] } }, select: { id: true, price: true } })
          ).map((p) => [p.id, p]),
        );
        let cents = 0;
        for (const [id, q] of need) cents += Math.round(Number(pm.get(id).price) * 100) * q;
        return tx.order.create({
          ...join,
          data: {
            userId,
            totalAmount: (cents / 100).toFixed(2),
            items: { createMany: { data: items.map((i) => ({ ...i, unitPrice: pm.get(i.productId).price })) } },
          },
          select: select(info),
        });
      });
    },
  },
};
const server = new ApolloServer({
  typeDefs,
  resolvers,
  introspection: false,
  csrfPrevention: false,
  includeStacktraceInErrorResponses: false,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
});
await startStandaloneServer(server, { listen: { port: Number(process.env.PORT), host: "127.0.0.1" } });
