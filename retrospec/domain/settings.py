"""Every setting: its name, type, default, legal range and what it is for.

A setting ``[section] name`` in ``retrospec.toml`` is also ``RETROSPEC_SECTION_NAME`` in the
environment, which wins over the file; a command's own option wins over both. ``settings_file``
reads them, ``settings_catalog`` lists them.
"""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from retrospec.domain.own_rules import OwnRule
from retrospec.domain.settings_telling import AlertSettings, TrackerSettings


class ServerSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """Where the server listens and how the world sees it."""

    host: Annotated[str, Meta(description="Address to listen on; 0.0.0.0 for every network.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 picks a free one.")] = 8377
    public_url: Annotated[
        str,
        Meta(
            description="The address visitors' browsers reach, e.g. https://retrospec.example.com; empty: derived from host and port."
        ),
    ] = ""
    cors_origins: Annotated[
        list[str], Meta(description="Sites whose pages may send recordings; * is any.")
    ] = field(default_factory=lambda: ["*"])
    trusted_proxies: Annotated[
        list[str], Meta(description="Addresses of reverse proxies whose X-Forwarded-For is believed.")
    ] = field(default_factory=list)
    internal_key: Annotated[
        str, Meta(description="Key for outside analyzers (X-Retrospec-Internal); empty closes that door.")
    ] = ""
    signing_secret: Annotated[
        str, Meta(description="Signs links, the same on every server of one installation; empty: a key in the data folder.")
    ] = ""
    metrics_token: Annotated[str, Meta(description="Token that /metrics asks for; empty leaves it open.")] = (
        ""
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="Least severe log line that is written."),
    ] = "info"
    log_format: Annotated[
        Literal["auto", "text", "json"], Meta(description="auto: text on a terminal, JSON lines elsewhere.")
    ] = "auto"


class StorageSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """The data folder."""

    dir: Annotated[str, Meta(description="Folder for the database, recordings and keys.")] = "retrospec-data"
    assets_mb: Annotated[
        int,
        Meta(
            ge=0,
            description="Most a project's asset vault (pictures, fonts, styles of recorded pages) holds, in MB; 0 is off.",
        ),
    ] = 500
    max_gb: Annotated[
        float, Meta(ge=0, description="Most that may be stored here, in GB; 0 is four fifths of the disk.")
    ] = 0.0


class DatabaseSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """Where rows live."""

    url: Annotated[
        str, Meta(description="Empty: SQLite in the data folder; or sqlite:///path or postgresql://….")
    ] = ""


class BlobSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """Where recordings and artifacts live."""

    url: Annotated[
        str, Meta(description="Empty: a folder beside the database; or file:///path or s3://bucket/prefix.")
    ] = ""
    lifecycle: Annotated[
        bool, Meta(description="On S3: see at each start that the bucket has a rule that ends uploads nobody finished.")
    ] = False


class LimitSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """What one caller may send."""

    requests_per_second: Annotated[
        float, Meta(ge=0, description="Steady rate per key and address; 0 is off.")
    ] = 25.0
    burst: Annotated[int, Meta(ge=1, description="Requests allowed at once above the steady rate.")] = 50
    max_body_mb: Annotated[
        int, Meta(ge=1, le=1024, description="Largest request, as sent and once inflated, in MB.")
    ] = 20
    max_asset_kb: Annotated[
        int, Meta(ge=1, le=20_000, description="Largest picture, font or stylesheet the vault keeps, in KiB.")
    ] = 1_024
    max_events: Annotated[int, Meta(ge=1, description="Most rrweb events one request may carry.")] = 200_000
    max_markers: Annotated[int, Meta(ge=1, description="Most markers one session may have.")] = 1_000
    max_source_map_mb: Annotated[
        int, Meta(ge=1, le=100, description="Largest source map with its minified file, in MB.")
    ] = 50
    max_backlog: Annotated[
        int, Meta(ge=0, description="Sessions waiting to be judged past which new ones must wait; 0 is off.")
    ] = 20_000
    sessions_per_visitor: Annotated[
        int, Meta(ge=0, description="Sessions one visitor may begin in an hour; 0 is no limit.")
    ] = 120
    sessions_per_key: Annotated[
        int, Meta(ge=0, description="Sessions that may begin with one key in an hour; 0 is no limit.")
    ] = 50_000
    max_connections: Annotated[int, Meta(ge=10, description="Most connections open at once.")] = 1_000
    connections_per_address: Annotated[
        int,
        Meta(ge=1, description="Most connections of one address at once; trusted proxies are not counted."),
    ] = 200
    max_header_kb: Annotated[int, Meta(ge=4, le=1024, description="Most a request's address and headers may take, in KB.")] = 32
    header_seconds: Annotated[
        float, Meta(gt=0, le=600, description="Longest wait for a request's headers to be whole.")
    ] = 10.0
    body_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="Longest wait for a request's body to be whole.")
    ] = 120.0
    query_seconds: Annotated[
        float, Meta(ge=0, le=600, description="Longest one question of a page or of the API to the database may take; 0 is no limit.")
    ] = 15.0


class CaptureSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """When a session counts as over."""

    idle_seconds: Annotated[
        int, Meta(ge=1, description="Silence after which a session being recorded is analysed.")
    ] = 60
    end_grace_seconds: Annotated[
        int, Meta(ge=0, description="Wait after a page says goodbye, in case the next page continues.")
    ] = 8
    country_header: Annotated[
        str, Meta(max_length=64, description="Header in which a trusted proxy names the visitor's country, such as CF-IPCountry; empty stores none."),
    ] = ""
    redact: Annotated[bool, Meta(description="Remove personal data and secrets before storing.")] = True
    redact_fields: Annotated[
        list[str], Meta(description="Further names of fields and parameters whose values are removed.")
    ] = field(default_factory=list)
    redact_patterns: Annotated[
        list[str], Meta(description="Further patterns (RE2) whose matches are removed.")
    ] = field(default_factory=list)
    redact_except: Annotated[
        list[str], Meta(description="Kinds that are left as they are, such as phone; each is named in docs/privacy.md.")
    ] = field(default_factory=list)


class RetentionSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """How long things are kept."""

    days: Annotated[
        int, Meta(ge=1, le=3650, description="Age at which sessions, recordings and artifacts go.")
    ] = 7
    recording_days: Annotated[
        int, Meta(ge=0, le=3650, description="Age at which recordings go, their sessions staying; 0 is with them.")
    ] = 0
    artifact_days: Annotated[
        int, Meta(ge=0, le=3650, description="Age at which pictures, films and analyses go; 0 is with the session.")
    ] = 0
    cleanup_minutes: Annotated[int, Meta(ge=1, description="Time between clean-ups.")] = 60
    source_map_days: Annotated[
        int,
        Meta(
            ge=1,
            le=3650,
            description="A release's source maps go this long after they last named something, or came.",
        ),
    ] = 90


class PromoteSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """When a failure becomes an issue."""

    min_sessions: Annotated[int, Meta(ge=1, description="Confirmed sessions that must share a failure.")] = 2
    min_people: Annotated[int, Meta(ge=1, description="Distinct people among them.")] = 1


class AnalysisSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """Stage 1: reading the session."""

    provider: Annotated[
        Literal["heuristic", "remote_text", "openai"], Meta(description="Who reads the session's story.")
    ] = "heuristic"
    min_confidence: Annotated[float, Meta(ge=0, le=1, description="Below this a session is discarded.")] = 0.6
    model_url: Annotated[str, Meta(description="Address of the text model, for remote_text and openai.")] = ""
    model_key: Annotated[str, Meta(description="Bearer key for the text model.")] = ""
    model_name: Annotated[str, Meta(description="Model to ask for, for openai.")] = ""
    timeout_seconds: Annotated[float, Meta(gt=0, le=600, description="Longest wait for the text model.")] = (
        20.0
    )
    fallback: Annotated[bool, Meta(description="Use the built-in reading when the model fails.")] = True


class ConfirmationSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """Stage 2: looking at the screen."""

    checker: Annotated[
        Literal["auto", "builtin", "none", "remote_visual", "openai"],
        Meta(description="auto: the built-in checker where a browser is found, else none."),
    ] = "auto"
    min_confidence: Annotated[
        float, Meta(ge=0, le=1, description="Below this a visual answer counts as unsure.")
    ] = 0.65
    cant_tell: Annotated[
        Literal["text_confirmed", "discard"], Meta(description="What an unsure answer makes of the session.")
    ] = "text_confirmed"
    model_url: Annotated[str, Meta(description="Address of the visual model.")] = ""
    model_key: Annotated[str, Meta(description="Bearer key for the visual model.")] = ""
    model_name: Annotated[str, Meta(description="Model to ask for, for openai.")] = ""
    timeout_seconds: Annotated[
        float, Meta(gt=0, le=600, description="Longest wait for the visual model.")
    ] = 30.0


class ReplaySettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """Rendering sessions in a headless browser."""

    render: Annotated[Literal["auto", "off", "on"], Meta(description="auto: where a browser is found.")] = (
        "auto"
    )
    browser: Annotated[
        str, Meta(description="Path of a Chromium; empty: Playwright's own, then the system's.")
    ] = ""
    width: Annotated[int, Meta(ge=320, le=3840, description="Width of videos in pixels.")] = 1280
    height: Annotated[int, Meta(ge=240, le=2160, description="Height of videos in pixels.")] = 720
    max_seconds: Annotated[
        int, Meta(ge=1, le=7200, description="Longest stretch rendered of one session.")
    ] = 120
    timeout_seconds: Annotated[int, Meta(ge=1, le=3600, description="Longest time one render may take.")] = 60
    max_parallel: Annotated[int, Meta(ge=1, le=16, description="Renders at once, of all workers together.")] = 1
    max_memory_mb: Annotated[
        int, Meta(ge=256, description="A render whose browser needs more is given up.")
    ] = 1500
    daily_limit: Annotated[int, Meta(ge=0, description="Renders a day in all; 0 is no limit.")] = 0
    daily_limit_per_project: Annotated[
        int, Meta(ge=0, description="Renders a day for one project; 0 is no limit.")
    ] = 0
    min_interval_seconds: Annotated[
        int, Meta(ge=0, description="Least time between a project's renders.")
    ] = 0


class WorkerSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """How stages are worked off."""

    threads: Annotated[int, Meta(ge=1, le=64, description="Sessions worked on at once.")] = 2
    stages: Annotated[
        list[Literal["analysis", "replay"]], Meta(min_length=1, description="Of `retrospec worker`: what it does; others must do the rest.")
    ] = field(default_factory=lambda: ["analysis", "replay"])
    drain_seconds: Annotated[
        float, Meta(ge=0, le=600, description="Of `retrospec worker`: how long a stop waits for what is in hand; then others take it over.")
    ] = 25.0
    max_attempts: Annotated[int, Meta(ge=1, le=20, description="Tries before a session is given up.")] = 3
    retry_base_seconds: Annotated[
        float, Meta(gt=0, description="First wait before a retry; doubles each time.")
    ] = 2.0
    retry_max_seconds: Annotated[float, Meta(gt=0, description="Longest wait before a retry.")] = 120.0
    lease_seconds: Annotated[
        int, Meta(ge=5, description="A claim not renewed for so long is taken over.")
    ] = 60
    sweep_seconds: Annotated[
        float, Meta(gt=0, description="Time between looks for work nobody rang for.")
    ] = 2.0


class ArtifactSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """Signed links to artifacts."""

    token_seconds: Annotated[int, Meta(ge=60, le=86400, description="Life of a signed link.")] = 300


class BackupSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """Copies of everything, made while the server runs."""

    every_hours: Annotated[float, Meta(ge=0, description="Time between backups; 0 makes none by itself.")] = 0.0
    keep: Annotated[int, Meta(ge=1, description="Backups kept; the oldest goes when another is whole.")] = 7
    url: Annotated[
        str, Meta(description="Empty: backups in the data folder; or file:///folder or s3://bucket/prefix.")
    ] = ""


class SignInSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """How people get in, and how long they stay."""

    idle_minutes: Annotated[
        int, Meta(ge=5, le=525600, description="Time unseen after which a browser is signed out.")
    ] = 20_160
    max_days: Annotated[
        int, Meta(ge=1, le=365, description="Time after which a browser is signed out in any case.")
    ] = 60
    oidc_issuer: Annotated[
        str, Meta(description="Address of an OpenID Connect provider; empty: none.")
    ] = ""
    oidc_client_id: Annotated[str, Meta(description="What the provider knows this server as.")] = ""
    oidc_client_secret: Annotated[str, Meta(description="Secret the provider gave; empty for a public client.")] = ""
    oidc_name: Annotated[str, Meta(description="What the sign-in button calls the provider.")] = "single sign-on"
    oidc_domains: Annotated[
        list[str],
        Meta(description="E-mail domains whose people get an account at their first sign-in; empty: nobody does."),
    ] = field(default_factory=list)
    oidc_projects: Annotated[
        list[str], Meta(description="Projects in which people who come that way may look.")
    ] = field(default_factory=list)


class AuditSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """The log of who looked at, shared, deleted or changed what."""

    keep_days: Annotated[int, Meta(ge=1, le=3650, description="Age at which entries go.")] = 365
    looks: Annotated[
        bool, Meta(description="Note who looked at sessions and issues, not only who changed something.")
    ] = True


class Settings(Struct, kw_only=True, forbid_unknown_fields=True):
    """All sections."""

    server: ServerSettings = field(default_factory=ServerSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    blobs: BlobSettings = field(default_factory=BlobSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    capture: CaptureSettings = field(default_factory=CaptureSettings)
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    confirmation: ConfirmationSettings = field(default_factory=ConfirmationSettings)
    replay: ReplaySettings = field(default_factory=ReplaySettings)
    promote: PromoteSettings = field(default_factory=PromoteSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    artifacts: ArtifactSettings = field(default_factory=ArtifactSettings)
    rules: list[OwnRule] = field(default_factory=list)
    """The owner's own rules of grouping, in the order of the file."""
    backup: BackupSettings = field(default_factory=BackupSettings)
    sign_in: SignInSettings = field(default_factory=SignInSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    tracker: TrackerSettings = field(default_factory=TrackerSettings)
    sources: dict[str, str] = field(default_factory=dict)
    """Where each value that was set came from: ``server.port`` → ``retrospec.toml line 3``."""

    @property
    def data_dir(self) -> Path:
        """The data folder, absolute."""
        return Path(self.storage.dir).expanduser().resolve()

    @property
    def database_url(self) -> str:
        """The database's URL with the default filled in."""
        return self.database.url or f"sqlite:///{self.data_dir / 'retrospec.db'}"

    @property
    def blobs_url(self) -> str:
        """The blob store's URL with the default filled in."""
        return self.blobs.url or f"file://{self.data_dir / 'blobs'}"

    @property
    def backup_url(self) -> str:
        """Where backups go, with the default filled in."""
        return self.backup.url or f"file://{self.data_dir / 'backups'}"
