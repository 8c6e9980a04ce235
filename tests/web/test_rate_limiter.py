"""A token bucket lets in what its rate allows, also of a caller who asks for more."""

import pytest

from retrospec.domain.errors import TooManyRequests
from retrospec.domain.settings import LimitSettings
from retrospec.web import access
from retrospec.web.access import RateLimiter


@pytest.mark.parametrize("asked_a_second", [9, 26, 50, 1_000])
def test_asking_for_more_than_the_rate_gets_the_rate(monkeypatch: pytest.MonkeyPatch, asked_a_second: int) -> None:
    now = 0.0
    monkeypatch.setattr(access.time, "monotonic", lambda: now)
    limiter = RateLimiter(LimitSettings(requests_per_second=8, burst=16))
    let_in = 0
    for number in range(10 * asked_a_second):
        now = number / asked_a_second
        try:
            limiter.take("caller")
        except TooManyRequests as refusal:
            assert refusal.retry_after_s is not None and 0 < refusal.retry_after_s <= 1 / 8
        else:
            let_in += 1
    assert let_in == pytest.approx(min(10 * asked_a_second, 16 + 8 * 10), abs=1)
