"""Settings of whom RetroSpec tells what it found; with all others in ``settings``."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field


class AlertSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """Who is told, beside the channels that people add in the dashboard; and how sending behaves for all."""

    webhook_url: Annotated[str, Meta(description="Address that gets signed JSON about every project.")] = ""
    webhook_key: Annotated[str, Meta(description="Key that signs what goes to webhook_url.")] = ""
    channel_urls: Annotated[
        list[str],
        Meta(description="Apprise addresses that get messages about every project, e.g. slack://….")
    ] = field(default_factory=list)
    events: Annotated[
        list[Literal["new", "regression", "spike"]], Meta(description="What the channels above are told of.")
    ] = field(default_factory=lambda: ["new", "regression", "spike"])
    quiet_minutes: Annotated[
        int, Meta(ge=0, le=10_080, description="Silence about the same event of the same issue after a message.")
    ] = 60
    digest_minutes: Annotated[
        int, Meta(ge=0, le=10_080, description="Collect events for so long into one message; 0 sends each at once.")
    ] = 0
    timeout_seconds: Annotated[
        float, Meta(gt=0, le=120, description="Longest wait for a channel to take a message.")
    ] = 10.0
    max_attempts: Annotated[int, Meta(ge=1, le=20, description="Tries before a message is given up.")] = 8
    retry_base_seconds: Annotated[
        float, Meta(gt=0, description="First wait before another try; doubles each time, up to an hour.")
    ] = 15.0
    allow_private_addresses: Annotated[
        bool, Meta(description="Let channels reach loopback and private networks.")
    ] = False


class TrackerSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """The issue tracker that issues can be handed to."""

    url_template: Annotated[
        str, Meta(description="Address of its form for a new ticket, with {title}, {body} and {url} to fill in.")
    ] = ""
