"""What the compiler finds in a recording, before anything is concluded from it. All times are ms from the first event."""

import msgspec

from retrospec.domain.marker import Control, Evidence, Marker, Signal
from retrospec.domain.trace import Effect, Segment, Trace, TraceRow


class Target(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What was acted on, with what its author promised by it."""

    control: Control
    promise: str = "inert"
    """``control``, ``field``, ``lookalike`` or ``inert``."""
    disabled: bool = False
    chosen: bool = False
    """Already selected or current: pressing it again need do nothing."""
    leaves: bool = False
    """A link to elsewhere, a download or a place in the page: its effect may not be recorded."""
    silent: bool = False
    """Acts outside the page: clipboard, printer, system dialog."""
    handle: bool = False
    """Made to be dragged."""
    stepper: bool = False
    player: bool = False
    submits: bool = False
    form_id: int = 0
    markup: str = ""
    """The element's opening tag as its page had it, without values."""
    frame: bool = False
    """An iframe whose inside was not recorded."""


class Action(msgspec.Struct, kw_only=True):
    """A row of the trace with what detectors need beyond it."""

    row: TraceRow
    tab: str = ""
    target: Target | None = None
    count: int = 1
    by_person: bool = True
    spot: tuple[int, int, int] | None = None
    """Of a click: x and y in the document, and the viewport's width."""
    window_end_ms: int = 0
    """Until when what follows is counted as its effect; set once all rows are known."""

    @property
    def t_ms(self) -> int:
        """Its moment."""
        return self.row.t_ms


class Change(msgspec.Struct, kw_only=True, gc=False):
    """Something that changed on the page."""

    t_ms: int
    segment: int
    tab: str
    kind: str
    """As ``Effect.kind``."""
    detail: str = ""
    node_id: int = 0
    key: int = 0
    """The element whose changing it is: changes of one element that come by themselves share it."""
    cosmetic: bool = False
    """A mere look: hover, ripple, a style, a class of the clicked element."""


class Fault(msgspec.Struct, kw_only=True):
    """An exception or a logged error."""

    t_ms: int
    segment: int
    evidence: Evidence
    label: str = ""
    marker: Marker | None = None
    ref: str = ""


class Request(msgspec.Struct, kw_only=True):
    """A request the page made, as far as the recording tells."""

    t_ms: int
    """When it ended or failed."""
    segment: int
    evidence: Evidence
    label: str = ""
    marker: Marker | None = None
    ref: str = ""

    @property
    def failed(self) -> bool:
        """No good answer came."""
        evidence = self.evidence
        return evidence.status >= 400 or evidence.signal == Signal.NETWORK_ERROR or bool(evidence.failure)


class Refusal(msgspec.Struct, kw_only=True):
    """A form said no to an entry."""

    t_ms: int
    segment: int
    field: str = ""
    form_id: int = 0
    message: str = ""
    source: str = "marker"
    """``marker``, ``focus`` (the browser moved to the refused field) or ``text`` (the page said so)."""
    evidence: Evidence = msgspec.field(default_factory=Evidence)
    marker: Marker | None = None
    ref: str = ""


class Spinner(msgspec.Struct, kw_only=True):
    """Something that says "busy", from when to when."""

    node_id: int
    segment: int
    start_ms: int
    end_ms: int
    ended: bool
    label: str = ""
    ref: str = ""


class Blank(msgspec.Struct, kw_only=True):
    """A stretch in which the page held nothing to see."""

    segment: int
    start_ms: int
    end_ms: int
    after_content: bool
    """It had shown something before."""
    ref: str = ""


class Message(msgspec.Struct, kw_only=True):
    """A text with which the page said that something is wrong."""

    t_ms: int
    segment: int
    text: str
    node_id: int = 0
    whole_page: bool = False
    """The page itself is an error page, as its heading says."""
    ref: str = ""


class Collapse(msgspec.Struct, kw_only=True):
    """Most of what a page showed went at once and did not come back for a while."""

    segment: int
    start_ms: int
    end_ms: int
    share: float
    """Of what was shown, what went."""
    ref: str = ""


class Suspicion(msgspec.Struct, kw_only=True):
    """An SDK marker about the page's behaviour, to be checked against what the page did."""

    marker: Marker
    evidence: Evidence
    signal: Signal
    t_ms: int
    segment: int
    ref: str


class Story(msgspec.Struct, kw_only=True):
    """All facts of a recording, in time order: what detectors read."""

    trace: Trace
    actions: list[Action] = []
    deeds: list[Action] = []
    """The actions that can have effects: what the person did, and page loads; set when effects are attached."""
    changes: list[Change] = []
    faults: list[Fault] = []
    requests: list[Request] = []
    refusals: list[Refusal] = []
    spinners: list[Spinner] = []
    blanks: list[Blank] = []
    collapses: list[Collapse] = []
    messages: list[Message] = []
    suspicions: list[Suspicion] = []
    selections: list[int] = []
    """Moments at which text was being selected."""

    @property
    def segments(self) -> list[Segment]:
        """The page loads."""
        return self.trace.segments

    def seen(self, segment: int) -> str:
        """How well that page load could be seen; ``blind`` where there is none."""
        return self.segments[segment].seen if 0 <= segment < len(self.segments) else "blind"


__all__ = ["Action", "Blank", "Change", "Collapse", "Effect", "Fault", "Message", "Refusal", "Request", "Spinner", "Story", "Suspicion", "Target"]
