"""GraphiQL: its page, the headers that were filled in for whoever opens it, and the files that it loads."""

import json
from html import escape
from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from strawberry.http.ides import get_graphql_ide_html

from shop_graphql.bundles import HashedFiles, page_headers

BUNDLE = Path(__file__).parent.parent / "static" / "graphiql"
"""What `make graphiql` builds, and what a wheel carries."""

MISSING = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>GraphiQL is not built</title>
<h1>GraphiQL is not built</h1>
<p>This is a GraphQL server: send it queries by POST. To get GraphiQL on this page:
<ul>
<li>in a clone, with Node 20 or newer: <code>make graphiql</code>, and start the server again;
<li>or let the page load GraphiQL from a public CDN: start the server with <code>SHOP_GRAPHIQL_CDN=true</code>.
</ul>
"""

_FILLED_IN = 'data-headers=""'
_CDN_HEADERS = "React.useState(parameters.headers)"


def page(headers: str | None, *, cdn: bool = False, bundle: Path = BUNDLE) -> Response:
    """Return the page, with `headers`, JSON, in its tab of headers."""
    if cdn:
        return HTMLResponse(_cdn_page(headers))
    index = bundle / "index.html"
    html = index.read_text(encoding="utf-8") if index.is_file() else MISSING
    # Monaco writes style elements as it goes, and its fonts and pictures stand in the style sheets.
    allowed = page_headers(style="'unsafe-inline'", font="data:", img="data:")
    # Somebody's token may stand in the page.
    return HTMLResponse(
        html.replace(_FILLED_IN, f'data-headers="{escape(headers or "")}"'),
        headers={**allowed, "cache-control": "no-store"},
    )


def files(bundle: Path = BUNDLE) -> list[BaseRoute]:
    """Return the route to what the page loads, if it has been built."""
    assets = bundle / "assets"
    return [Mount("/graphiql/assets", HashedFiles(directory=assets))] if assets.is_dir() else []


def _cdn_page(headers: str | None) -> str:
    html = get_graphql_ide_html("graphiql")
    if headers is None:
        return html
    # A string of JavaScript inside a script element, which "<" could end.
    text = json.dumps(headers).replace("<", "\\u003c")
    return html.replace(_CDN_HEADERS, f"React.useState({text})")
