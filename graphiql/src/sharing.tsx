/** What makes links to queries, and what picks the operation that a link names. */

import { ToolbarButton, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect, useState } from "react";

import { writeLink } from "./link";

export function ShareButton() {
  const query = useGraphiQL((state) => state.queryEditor);
  const variables = useGraphiQL((state) => state.variableEditor);
  const operationName = useGraphiQL((state) => state.operationName) ?? null;
  const [shared, setShared] = useState(false);

  async function share() {
    if (!query) return;
    const link = { query: query.getValue(), variables: variables?.getValue() ?? null, operationName };
    const address = writeLink(location.href, link);
    history.replaceState(null, "", address);
    // There is no clipboard on pages without TLS, except on this machine; the address bar has the link as well.
    await navigator.clipboard?.writeText(address).catch(() => undefined);
    setShared(true);
    setTimeout(() => setShared(false), 1500);
  }

  return (
    <ToolbarButton label={shared ? "Copied, and in the address bar" : "Copy a link to this query"} onClick={share}>
      <svg viewBox="0 0 16 16" className="graphiql-toolbar-icon" aria-hidden="true" fill="none" stroke="currentColor">
        <path d="M6.5 9.5a3 3 0 0 0 4.2 0l2.4-2.4a3 3 0 0 0-4.2-4.2L8 3.8M9.5 6.5a3 3 0 0 0-4.2 0L2.9 8.9a3 3 0 0 0 4.2 4.2l.9-.9" />
      </svg>
    </ToolbarButton>
  );
}

/** The editor knows its operations only when it has read the query, and picks the first. */
export function SharedOperation({ name }: { name: string }) {
  const operations = useGraphiQL((state) => state.operations);
  const { setOperationName } = useGraphiQLActions();
  const [chosen, setChosen] = useState(false);

  useEffect(() => {
    if (chosen || !operations?.some((operation) => operation.name?.value === name)) return;
    setOperationName(name);
    setChosen(true);
  }, [chosen, name, operations, setOperationName]);

  return null;
}
