// Subscribes by graphql-ws or graphql-sse, as its one argument says, and writes each event, and the end, as a line.
import { createClient as overSocket } from "graphql-ws";
import { createClient as overEvents } from "graphql-sse";
import WebSocket from "ws";

const { over, authority, query, variables, tokens } = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const token = () => (tokens.length > 1 ? tokens.shift() : tokens[0]);
const authorization = () => (tokens.length ? { Authorization: `Bearer ${token()}` } : {});
const patience = { shouldRetry: () => true, retryAttempts: 100, retryWait: () => new Promise((done) => setTimeout(done, 100)) };

const client =
  over === "socket"
    ? overSocket({
        url: `ws://${authority}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: authorization,
        ...patience,
      })
    : overEvents({ url: `http://${authority}/graphql`, headers: authorization, ...patience });

client.subscribe({ query, variables }, {
  next: (event) => say(event),
  error: (error) => say({ error: error.message ?? error }),
  complete: () => say("complete"),
});
process.stdin.on("data", () => process.exit()).on("end", () => process.exit());
