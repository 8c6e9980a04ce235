"""Every table, by topic; importing this package knows them all."""

from retrospec.storage.tables.accounts import api_keys, logins, one_time_links, projects, users
from retrospec.storage.tables.base import ID, KEY, Json, UtcMs, metadata
from retrospec.storage.tables.contents import assets, session_assets, source_maps
from retrospec.storage.tables.films import films, issue_strips, render_days, render_slots
from retrospec.storage.tables.issues import issue_hours, issue_people, issue_sessions, issues
from retrospec.storage.tables.operations import health_samples, project_retention
from retrospec.storage.tables.sessions import artifacts, chunks, expired_sessions, markers, reports, sessions

__all__ = [
    "ID",
    "KEY",
    "Json",
    "UtcMs",
    "api_keys",
    "artifacts",
    "assets",
    "chunks",
    "expired_sessions",
    "films",
    "health_samples",
    "issue_hours",
    "issue_people",
    "issue_sessions",
    "issue_strips",
    "issues",
    "logins",
    "markers",
    "metadata",
    "one_time_links",
    "project_retention",
    "projects",
    "render_days",
    "render_slots",
    "reports",
    "session_assets",
    "sessions",
    "source_maps",
    "users",
]
