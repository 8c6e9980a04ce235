"""Slowing down whoever guesses passwords."""

import time
from collections import OrderedDict
from collections.abc import Callable

MAX_NAMES = 10_000
"""Names remembered at once; the longest unseen go first, so that guessing under many names costs no memory."""


class Throttle:
    """Counts failures per name; after ``limit`` of them within ``window_s`` the name has to wait.

    Kept in memory: several processes behind one address each count for themselves.
    """

    def __init__(
        self, *, limit: int, window_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def wait_s(self, name: str) -> float:
        """Seconds until ``name`` may try again; 0 when it may now."""
        recent = self._recent(name)
        if len(recent) < self._limit:
            return 0.0
        return recent[-self._limit] + self._window_s - self._clock()

    def note_failure(self, name: str) -> None:
        """One more failure of ``name``."""
        self._failures[name] = [*self._recent(name), self._clock()][-self._limit :]
        self._failures.move_to_end(name)
        while len(self._failures) > MAX_NAMES:
            self._failures.popitem(last=False)

    def forget(self, name: str) -> None:
        """``name`` has shown who they are."""
        self._failures.pop(name, None)

    def take_back(self, name: str) -> None:
        """The latest failure of ``name`` was none after all."""
        if self._failures.get(name):
            self._failures[name].pop()

    def _recent(self, name: str) -> list[float]:
        horizon = self._clock() - self._window_s
        return [moment for moment in self._failures.get(name, []) if moment > horizon]


class SignInThrottle:
    """Three counts, so that neither one address nor one account can be guessed at for long.

    The count per account across all addresses is generous: a stranger must not be able to lock its owner out cheaply.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._pair = Throttle(limit=5, window_s=300, clock=clock)
        self._address = Throttle(limit=30, window_s=900, clock=clock)
        self._email = Throttle(limit=100, window_s=900, clock=clock)

    def wait_s(self, address: str, email: str) -> float:
        """Seconds until this address may try this account again; 0 when it may now."""
        return max(
            self._pair.wait_s(f"{address} {email}"), self._address.wait_s(address), self._email.wait_s(email)
        )

    def note_failure(self, address: str, email: str) -> None:
        """A wrong password (or an account that isn't there)."""
        self._pair.note_failure(f"{address} {email}")
        self._address.note_failure(address)
        self._email.note_failure(email)

    def note_success(self, address: str, email: str) -> None:
        """The right password: the pair's count starts anew."""
        self._pair.forget(f"{address} {email}")
        self._address.take_back(address)
        self._email.take_back(email)
