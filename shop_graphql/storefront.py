"""A single-page application beside the API: its files, and its page for every address that is no file."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from shop_graphql.bundles import HashedFiles, page_headers
from shop_graphql.errors import StartupError


def routes(folder: Path) -> list[BaseRoute]:
    """Return the routes below /shop. Raises StartupError when there is no page in `folder`."""
    if not (folder / "index.html").is_file():
        raise StartupError(f"SHOP_STOREFRONT_DIR: there is no index.html in {folder}; `make storefront` builds one.")
    smaller = [Middleware(GZipMiddleware, compresslevel=6)]
    assets = HashedFiles(directory=folder / "assets", check_dir=False)
    return [
        Route("/shop", RedirectResponse("/shop/")),
        Mount("/shop/assets", assets, middleware=smaller),
        Mount("/shop", SinglePage(folder)),
    ]


class SinglePage(StaticFiles):
    """Files, and where there is none the page: the application itself knows what to show at an address."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)
        html = (folder / "index.html").read_text(encoding="utf-8")
        # Asked for again each time, since it names the files of the day.
        self._page = HTMLResponse(html, headers={**page_headers(), "cache-control": "no-cache"})

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file or the page."""
        if path == "index.html":
            return self._page
        try:
            return await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code == 404 and "." not in Path(path).name:
                return self._page
            raise
