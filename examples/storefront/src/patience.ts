/** Waiting for a shop that has too much to do, or has been asked too much, and says when to come again. */

import { makeOperation, mapExchange } from "urql";

import { store } from "./store";

const MOST_TRIES = 3;
const MOST_SECONDS = 30;

/** How many seconds each of the requests waits that wait just now. */
export const waiting = store<readonly number[]>([]);

/** After how many seconds the shop wants to be asked again, where somebody may wait that long; else null. */
export function retryAfter(response: Response | undefined): number | null {
  const asked = response && [429, 503].includes(response.status) ? response.headers.get("Retry-After") : null;
  const seconds = asked && /^\d+$/.test(asked) ? Number(asked) : Infinity;
  return seconds <= MOST_SECONDS ? seconds : null;
}

/** Wait a little longer than asked for, since all who were refused would else come again at the same moment. */
export async function pause(asked: number, signal?: AbortSignal | null): Promise<void> {
  const seconds = asked + Math.random();
  waiting.set([...waiting.get(), seconds]);
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * 1000);
      signal?.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    });
  } finally {
    waiting.set(waiting.get().filter((other) => other !== seconds));
  }
}

async function patiently(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  for (let tries = 0; ; tries++) {
    const response = await fetch(input, init);
    const seconds = retryAfter(response);
    if (seconds === null || tries === MOST_TRIES) return response;
    await pause(seconds + tries, init?.signal);
  }
}

/** Lets queries wait. Mutations do not: what may be sent again, and under which key, is for those to say who send it. */
export const patience = mapExchange({
  onOperation(operation) {
    if (operation.kind !== "query") return operation;
    return makeOperation(operation.kind, operation, { ...operation.context, fetch: patiently });
  },
});
