// PostGraphile 5: the schema comes out of the database, createOrder is a function in it.
import { createServer } from "node:http";
import pg from "pg";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: Number(process.env.POOL),
  idleTimeoutMillis: 0,
});
pool.on("error", () => {});

const preset = {
  extends: [PostGraphileAmberPreset],
  disablePlugins: ["NodePlugin"], // nobody asks for global ids
  pgServices: [makePgService({ pool, schemas: ["public"], pubsub: false })],
  schema: { defaultBehavior: "-connection +list -resource:insert -resource:update -resource:delete" },
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false, graphqlOverGET: false },
  grafast: { explain: false },
};

const serv = postgraphile(preset).createServ(grafserv);
const server = createServer({ keepAliveTimeout: 60_000 });
server.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
await serv.addTo(server);
await serv.ready?.();
server.listen(Number(process.env.PORT), "127.0.0.1");
