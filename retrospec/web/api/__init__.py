"""The JSON API."""

from litestar import Router

from retrospec.web.api import artifacts, ingest, internal, operate, read, schema, sdk, source_maps
from retrospec.web.api.errors import HANDLERS

routes = [
    Router(
        "/",
        route_handlers=[
            *ingest.ROUTES,
            *read.ROUTES,
            *artifacts.ROUTES,
            *internal.ROUTES,
            *operate.ROUTES,
            *sdk.ROUTES,
            *source_maps.ROUTES,
            *schema.ROUTES,
        ],
        exception_handlers=HANDLERS,
    )
]
