"""GraphiQL's page, with headers that were filled in for whoever opens it."""

import json

from strawberry.http.ides import get_graphql_ide_html

_HEADERS = "React.useState(parameters.headers)"


def page(headers: str | None) -> str:
    """Return the page, with `headers`, JSON, in its tab of headers."""
    html = get_graphql_ide_html("graphiql")
    if headers is None:
        return html
    # A string of JavaScript inside a script element, which "<" could end.
    text = json.dumps(headers).replace("<", "\\u003c")
    return html.replace(_HEADERS, f"React.useState({text})")
