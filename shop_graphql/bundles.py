"""How programs for browsers are served that were built beforehand: from our own origin, and nothing else."""

from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles

FOREVER = "public, max-age=31536000, immutable"


class HashedFiles(StaticFiles):
    """Files whose names change with their content, so that browsers need not ask for them twice."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return the file, to be kept."""
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = FOREVER
        response.headers["x-content-type-options"] = "nosniff"
        return response


def page_headers(**allowed: str) -> dict[str, str]:
    """Return the headers of a page that may load what is ours; `allowed` adds sources, as `font="data:"`."""
    own = ("script", "style", "font", "img", "connect", "worker")
    sources = [f"{kind}-src 'self' {allowed.get(kind, '')}".rstrip() for kind in own]
    closed = [f"{kind} 'none'" for kind in ("base-uri", "form-action", "frame-ancestors")]
    return {
        "content-security-policy": "; ".join(["default-src 'none'", *sources, *closed]),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
