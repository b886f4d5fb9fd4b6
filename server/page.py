"""The query page at ``GET /graphql`` and its files: ours, static, read once, with a strict policy."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from server.openapi import FILE as OPENAPI
from server.routes import GuardedRoute, OpenHandler, Routes

FOLDER = Path(__file__).with_name("pages")
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def page_routes(routes: Routes) -> Sequence[GuardedRoute]:
    """The page at ``/graphql``, its files below ``/pages/``, and ``/openapi.json``, open to anybody."""
    files = sorted(path for path in FOLDER.iterdir() if path.suffix in MEDIA_TYPES)
    page = routes.open("GET", "/graphql", _file(FOLDER / "query.html"))
    described = routes.open("GET", "/openapi.json", _file(OPENAPI))
    return [page, described, *(routes.open("GET", f"/pages/{path.name}", _file(path)) for path in files)]


def _file(path: Path) -> OpenHandler:
    content = path.read_bytes()
    headers = {**HEADERS, "ETag": f'"{blake2b(content, digest_size=12).hexdigest()}"'}
    media_type = MEDIA_TYPES[path.suffix]

    async def serve(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=media_type)

    return serve
