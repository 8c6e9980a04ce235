"""Rules that a setting's type cannot say: addresses, and settings that need one another."""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from retrospec.domain.settings import Settings
from retrospec.domain.settings_catalog import without_password
from retrospec.domain.web_address import address_parts

Broken = tuple[str, str]
"""A setting's dotted name and the rest of the sentence about it."""


def broken_rules(settings: Settings) -> Iterator[Broken]:
    """Every rule ``settings`` breaks."""
    yield from _server_rules(settings)
    yield from _store_rules(settings)
    yield from _model_rules(settings)
    yield from _time_rules(settings)
    yield from _country_rules(settings)
    yield from _sign_in_rules(settings)


def _sign_in_rules(settings: Settings) -> Iterator[Broken]:
    issuer = settings.sign_in.oidc_issuer
    if not issuer:
        return
    host = address_parts(issuer).hostname or ""
    is_here = host == "localhost" or host.startswith("127.")
    if not _web_address(issuer) or not (issuer.startswith("https://") or is_here):
        yield "sign_in.oidc_issuer", f'is "{issuer}"; use the provider\'s https:// address'
    if not settings.sign_in.oidc_client_id:
        yield "sign_in.oidc_client_id", "is empty; set it to what the provider knows this server as"
    yield from _address_rules(settings)


def _server_rules(settings: Settings) -> Iterator[Broken]:
    server = settings.server
    if not server.host.strip():
        yield "server.host", "is empty; use 127.0.0.1, or 0.0.0.0 for every network"
    if server.public_url:
        parts = _web_address(server.public_url)
        if not parts or parts[1]:
            yield (
                "server.public_url",
                f'is "{server.public_url}"; use an address such as https://retrospec.example.com',
            )
    for origin in server.cors_origins:
        parts = _web_address(origin)
        if origin != "*" and (not parts or parts[1] or parts[0] != origin):
            yield (
                "server.cors_origins",
                f'has "{origin}"; use * or scheme and host alone, such as https://shop.example.com',
            )
    for proxy in server.trusted_proxies:
        if not _is_network(proxy):
            yield (
                "server.trusted_proxies",
                f'has "{proxy}"; use IP addresses or networks, such as 127.0.0.1 or 10.0.0.0/8',
            )


def _store_rules(settings: Settings) -> Iterator[Broken]:
    if not settings.storage.dir.strip():
        yield "storage.dir", "is empty; use the path of a folder"
    database, blobs = settings.database.url, settings.blobs.url
    if settings.backup.url and not settings.backup.url.startswith(("file:///", "s3://")):
        yield "backup.url", f'is "{without_password(settings.backup.url)}"; use file:///path or s3://bucket/prefix'
    if database and not database.startswith(("sqlite:///", "postgresql://")):
        yield (
            "database.url",
            f'is "{without_password(database)}"; use sqlite:///path or postgresql://user@host/name',
        )
    if blobs and not blobs.startswith(("file:///", "s3://")):
        yield "blobs.url", f'is "{without_password(blobs)}"; use file:///path or s3://bucket/prefix'


def _model_rules(settings: Settings) -> Iterator[Broken]:
    analysis, confirmation = settings.analysis, settings.confirmation
    rooms = (
        ("analysis", "provider", analysis.provider, analysis.model_url, analysis.model_name),
        ("confirmation", "checker", confirmation.checker, confirmation.model_url, confirmation.model_name),
    )
    for section, choice, chosen, url, name in rooms:
        if url and not _web_address(url):
            yield (
                f"{section}.model_url",
                f'is "{without_password(url)}"; use an address that starts with https:// or http://',
            )
        if chosen in ("remote_text", "remote_visual", "openai") and not url:
            yield (
                f"{section}.{choice}",
                f'is "{chosen}", which needs {section}.model_url; set it to the model\'s address',
            )
        if chosen == "openai" and not name:
            yield (
                f"{section}.{choice}",
                f'is "openai", which needs {section}.model_name; set it to the model to ask for',
            )


def _address_rules(settings: Settings) -> Iterator[Broken]:
    alerts, template = settings.alerts, settings.tracker.url_template
    if alerts.webhook_url and not _web_address(alerts.webhook_url):
        yield "alerts.webhook_url", "is no address; use one that starts with https:// or http://"
    if alerts.webhook_url and not alerts.webhook_key:
        yield "alerts.webhook_url", "needs alerts.webhook_key, which signs what is sent; set it to a long random text"
    if any("://" not in url for url in alerts.channel_urls):
        yield "alerts.channel_urls", "has a text that is no address; use such as slack://… or mailto://…"
    if template and not _web_address(template):
        yield "tracker.url_template", f'is "{template}"; use an address that starts with https:// or http://'
    if template and not any(part in template for part in ("{title}", "{body}", "{url}")):
        yield "tracker.url_template", "has nothing to fill in; put {title}, {body} or {url} into it"


def _country_rules(settings: Settings) -> Iterator[Broken]:
    header = settings.capture.country_header
    if header and not header.replace("-", "").isalnum():
        yield "capture.country_header", f'is "{header}"; use the name of a header, such as CF-IPCountry'
    elif header and not settings.server.trusted_proxies:
        yield "capture.country_header", "is believed from server.trusted_proxies alone, and there is none; name the proxy there"


def _time_rules(settings: Settings) -> Iterator[Broken]:
    yield from _in_order(settings, "worker", "retry_base_seconds", "retry_max_seconds")
    yield from _in_order(settings, "capture", "end_grace_seconds", "idle_seconds")


def _in_order(settings: Settings, section: str, less: str, more: str) -> Iterator[Broken]:
    """``less`` may not exceed ``more``; the one that was set is the one to complain of."""
    table = getattr(settings, section)
    low, high = getattr(table, less), getattr(table, more)
    if low > high and f"{section}.{more}" in settings.sources:
        yield f"{section}.{more}", f"is {high:g}; use {section}.{less} ({low:g}) or more"
    elif low > high:
        yield f"{section}.{less}", f"is {low:g}; use {section}.{more} ({high:g}) or less"


def _web_address(text: str) -> tuple[str, str] | None:
    """``scheme://host[:port]`` and what follows it but for a lone slash; ``None`` if it is no web address."""
    try:
        parts = urlsplit(text)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not has_port
        or any(c.isspace() for c in text)
    ):
        return None
    trailing = parts.query or parts.fragment or parts.path.strip("/")
    return f"{parts.scheme}://{parts.netloc}", trailing


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
