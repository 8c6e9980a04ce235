"""The dashboard: ``routes`` is everything the app has to mount; ``page_errors`` what shows errors as pages.

Handlers expect ``state.database``, ``state.blobs`` and ``state.settings`` on the app.
"""

from typing import Any

from litestar import Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler, ExceptionHandlersMap

from retrospec.domain.errors import RetroSpecError
from retrospec.web.audit import note_answered
from retrospec.web.pages import (
    account,
    alerts,
    apart,
    assets,
    audit,
    capsule,
    errors,
    films,
    grouping,
    health,
    home,
    issue,
    issue_actions,
    issues,
    live,
    oidc,
    people,
    places,
    precision,
    project,
    recording,
    reference,
    reproduce,
    session,
    sessions,
    share,
    sign_in,
    stream,
    strips,
    views,
    welcome,
)
from retrospec.web.pages.guard import SignInNeeded, own_forms_only, project_frame, project_members_only

MAX_FORM_BYTES = 64 * 1024

page_errors: ExceptionHandlersMap = {
    SignInNeeded: errors.ask_to_sign_in,
    RetroSpecError: errors.show_deliberate,
    HTTPException: errors.show_refused_by_router,
    Exception: errors.show_bug,
}
"""The app may use these too, for addresses outside its API that nothing answers."""

_shared: dict[str, Any] = {
    "exception_handlers": page_errors,
    "guards": [own_forms_only],
    "after_response": note_answered,
    "request_max_body_size": MAX_FORM_BYTES,
    "include_in_schema": False,
}

routes: list[ControllerRouterHandler] = [
    Router(
        "/",
        route_handlers=[
            home.show_first_home,
            sign_in.show_sign_in,
            sign_in.do_sign_in,
            sign_in.show_code,
            sign_in.do_code,
            sign_in.do_sign_out,
            sign_in.choose_theme,
            welcome.show_setup,
            welcome.do_setup,
            welcome.show_reset,
            welcome.do_reset,
            welcome.show_invitation,
            welcome.do_invitation,
            *account.ROUTES,
            *share.OPEN_ROUTES,
            *oidc.ROUTES,
            assets.serve_asset,
            reference.show_reference,
        ],
        **_shared,
    ),
    Router(
        "/p/{project_id:str}",
        dependencies={"frame": Provide(project_frame)},
        route_handlers=[
            home.show_project_home,
            home.show_home,
            issues.show_issues,
            issues.show_preview,
            views.save_view,
            views.change_view,
            issue.show_issue,
            apart.show_apart,
            grouping.merge_issue,
            grouping.keep_issue_apart,
            grouping.split_issue,
            grouping.move_session,
            grouping.undo_decision,
            grouping.give_feedback,
            places.show_places,
            places.show_heat,
            precision.show_precision,
            precision.hear_again,
            issue_actions.change_issue,
            issue_actions.change_issues,
            issue_actions.add_comment,
            alerts.show_alerts,
            alerts.add_channel,
            alerts.change_rule,
            alerts.remove_channel,
            alerts.test_channel,
            alerts.try_again,
            live.stream_changes,
            sessions.show_sessions,
            session.show_session,
            reproduce.download_test,
            capsule.download_capsule,
            films.show_films,
            films.ask_for_film,
            strips.show_strip_picture,
            recording.stream_events,
            stream.stream_pieces,
            recording.show_asset,
            recording.show_artifact,
            health.show_health,
            health.change_dead,
            health.show_settings,
            project.show_project,
            project.make_key,
            project.limit_key,
            project.renew_key,
            project.change_rules,
            project.revoke_key,
            *people.ROUTES,
            *audit.ROUTES,
            *share.ROUTES,
        ],
        **{**_shared, "guards": [own_forms_only, project_members_only]},
    ),
]
