"""Bounds on what a recording may cost. A recording is sent by a visitor's browser: it is hostile until proven otherwise.

Reaching one never fails the analysis: what lies past it is left out, and ``Trace.cut`` says so.
"""

MAX_EVENTS = 3_000_000
"""A busy hour records about 200,000 events; ten times that is not a person."""
MAX_NODES = 500_000
"""Nodes alive in one page's mirror; the largest page in FIELD.md has 250,000."""
MAX_ROWS = 20_000
MAX_CHANGES = 300_000
MAX_EFFECTS_PER_ROW = 24
MAX_TEXT = 100
"""Characters kept of any text taken from a page."""
MAX_CLIMB = 60
"""Ancestors looked at when something is named or placed."""
MAX_SUBTREE = 300
"""Nodes looked at when the text of one element is gathered."""
MAX_ROOTS_PER_MUTATION = 40
"""Added subtrees described one by one; a list of 10,000 new rows needs no more."""
MAX_ID_SCANS = 400
"""Searches of a whole page for a label or heading, each O(nodes)."""
MAX_FINDINGS = 200
MAX_DRIFT_MS = 40 * 24 * 3600 * 1000
"""An event further than this from the middle of its recording has a broken clock and is left out."""
MAX_MESSAGES = 500
"""Error texts kept as rows of their own."""
