/** What went wrong, or went well, said where it is seen and heard. */

import type { ReactNode } from "react";
import type { CombinedError } from "urql";

import { hasCode, isUncertain } from "../client";

export function Notice({ kind = "bad", children }: { kind?: "bad" | "good" | "wait"; children: ReactNode }) {
  return (
    <div className={`notice ${kind}`} role={kind === "bad" ? "alert" : "status"}>
      {children}
    </div>
  );
}

export function Failure({ error, retry }: { error: CombinedError; retry?: () => void }) {
  return (
    <Notice>
      <p>{explain(error)}</p>
      {retry && isUncertain(error) && <button onClick={retry}>Try again</button>}
    </Notice>
  );
}

export function explain(error: CombinedError): string {
  if (isUncertain(error)) return "The shop cannot be reached at the moment.";
  if (hasCode(error, "UNAUTHENTICATED")) return "Please sign in first.";
  if (hasCode(error, "FORBIDDEN")) return "This page is for the shop’s staff.";
  return error.graphQLErrors[0]?.message ?? "Something went wrong.";
}
