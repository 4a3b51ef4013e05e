// Runs the audits of the specification "GraphQL over HTTP" against the address given, and prints what came of each.
import { serverAudits } from 'graphql-http';

const results = [];
for (const audit of serverAudits({ url: process.argv[2], fetchFn: fetch })) {
  const result = await audit.fn();
  results.push({ id: result.id, name: result.name, status: result.status, reason: result.reason });
}
console.log(JSON.stringify(results));
