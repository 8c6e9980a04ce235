"""Settings changed while the server runs: taken over on SIGHUP, and the outcome left where a command can read it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import SettingsError
from retrospec.domain.settings import Settings
from retrospec.domain.settings_catalog import effective_settings
from retrospec.domain.settings_reload import Reloaded, take_over
from retrospec.telemetry import set_up_logging

log = structlog.get_logger()

IN_FORCE = "in-force.json"

Load = Callable[[], Settings]


class InForce(msgspec.Struct, kw_only=True):
    """What a running server goes by; secrets are hidden."""

    at: datetime
    values: dict[str, object]
    reloaded: Reloaded = msgspec.field(default_factory=Reloaded)


def write_in_force(settings: Settings, reloaded: Reloaded) -> None:
    """Leave the settings in force in the data folder, readable by its owner alone."""
    shown = {each.key: each.value for each in effective_settings(settings)}
    path = settings.data_dir / IN_FORCE
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(InForce(at=utc_now(), values=shown, reloaded=reloaded)))
    draft.chmod(0o600)
    draft.replace(path)


def read_in_force(folder: Path) -> InForce | None:
    """What the server of this folder goes by; None where none has said."""
    try:
        return msgspec.json.decode((folder / IN_FORCE).read_bytes(), type=InForce)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def reload(settings: Settings, load: Load) -> Reloaded:
    """Read the settings again and take over what can be. A mistake in them changes nothing."""
    try:
        reloaded = take_over(settings, load())
    except SettingsError as error:
        reloaded = Reloaded([], [], error.message)
        log.error("not_reloaded", reason=error.message)
    else:
        set_up_logging(settings.server)
        log.warning("reloaded", applied=reloaded.applied, needs_restart=reloaded.waiting)
    write_in_force(settings, reloaded)
    return reloaded
