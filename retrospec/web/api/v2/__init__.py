"""API v2: what the dashboard can do, programs can do. docs/api.md has what the OpenAPI document can't say."""

from litestar import Router

from retrospec.web.api.v2 import issue_changes, issues, keys, project, record, session_files, sessions

router = Router(
    "/v2",
    route_handlers=[
        *project.ROUTES,
        *issues.ROUTES,
        *issue_changes.ROUTES,
        *sessions.ROUTES,
        *session_files.ROUTES,
        *record.ROUTES,
        *keys.ROUTES,
    ],
    request_max_body_size=64 * 1024,
)
