/** Links that show a query: `?query=…&variables=…&operationName=…`. Nothing is run until somebody presses the button. */

export interface Link {
  query: string;
  variables: string | null;
  operationName: string | null;
}

export function readLink(search: string): Link | null {
  const parameters = new URLSearchParams(search);
  const query = parameters.get("query");
  if (!query?.trim()) return null;
  return { query, variables: indented(parameters.get("variables")), operationName: parameters.get("operationName") };
}

export function writeLink(page: string, link: Link): string {
  const url = new URL(page);
  url.search = "";
  for (const [name, value] of Object.entries(link)) if (value?.trim()) url.searchParams.set(name, value);
  return url.href;
}

/** Return JSON as people read it; what is no JSON is shown as it came. */
function indented(text: string | null): string | null {
  if (text === null) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
