"""How a site starts to send sessions: the snippet and whether any arrived."""

import msgspec

from retrospec.storage import projects
from retrospec.storage.database import Connection
from retrospec.web.pages.guard import settings_of
from retrospec.web.pages.rendering import AnyRequest


class Install(msgspec.Struct, kw_only=True):
    """What to paste, and where it sends to."""

    server_url: str
    key: str
    """The first ingest key in use; empty when there is none."""
    snippet: str


async def install_of(request: AnyRequest, connection: Connection, project_id: str) -> Install:
    """The snippet of a project."""
    keys = await projects.list_keys(connection, project_id)
    public = next((key.public_value for key in keys if key.public_value and key.revoked_at is None), "")
    server_url = server_url_of(request)
    return Install(server_url=server_url, key=public, snippet=snippet(server_url, public))


def server_url_of(request: AnyRequest) -> str:
    """The address visitors' browsers reach: the setting, else the one this request came to."""
    configured = settings_of(request).server.public_url.rstrip("/")
    return configured or str(request.base_url).rstrip("/")


def snippet(server_url: str, key: str) -> str:
    """The tag a page needs."""
    shown = key or "YOUR-INGEST-KEY"
    return f'<script src="{server_url}/sdk.js" data-key="{shown}" data-site="your-site" async></script>'
