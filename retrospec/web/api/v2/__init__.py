"""API v2: what the dashboard can do, programs can do. docs/api.md has what the OpenAPI document can't say."""

from collections.abc import Iterator

from litestar import HttpMethod, Response, Router, route
from litestar.handlers import HTTPRouteHandler

from retrospec.web.api.v2 import issue_changes, issues, keys, project, record, session_files, sessions, upkeep

_ROUTES: list[HTTPRouteHandler] = [
    *project.ROUTES,
    *issues.ROUTES,
    *issue_changes.ROUTES,
    *sessions.ROUTES,
    *session_files.ROUTES,
    *record.ROUTES,
    *keys.ROUTES,
    *upkeep.ROUTES,
]


def _methods(handlers: list[HTTPRouteHandler]) -> Iterator[HTTPRouteHandler]:
    """What OPTIONS answers where an address has several handlers: Litestar's own answer names those of one."""
    by_path: dict[str, list[HTTPRouteHandler]] = {}
    for handler in handlers:
        by_path.setdefault(next(iter(handler.paths)), []).append(handler)
    for path, found in by_path.items():
        if len(found) > 1:
            methods = {str(method) for handler in found for method in handler.http_methods}
            yield _answer_of(path, ", ".join(sorted({*methods, "OPTIONS"})))


def _answer_of(path: str, allowed: str) -> HTTPRouteHandler:
    @route(path, http_method=HttpMethod.OPTIONS, include_in_schema=False, sync_to_thread=False, status_code=204)
    def options() -> Response[None]:
        return Response(None, status_code=204, headers={"Allow": allowed})

    return options


router = Router("/v2", route_handlers=[*_methods(_ROUTES), *_ROUTES], request_max_body_size=64 * 1024)
