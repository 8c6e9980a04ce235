"""The demo from start to end: product and shop up, visitors through, issues out."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from retrospec.demo.inspection import Inspection, Met, inspect, wait_for_reports
from retrospec.demo.product import Product, running_product
from retrospec.demo.recorded import SITE, recorded_visits, save_visit, send_recorded
from retrospec.demo.shop import running_shop
from retrospec.demo.visitors import visits
from retrospec.domain.errors import RetroSpecError
from retrospec.domain.settings import Settings
from retrospec.replay.browser import FoundBrowser, find_browser, why_no_browser


class Plan(msgspec.Struct, kw_only=True):
    """What was asked for on the command line."""

    settings: Settings
    """The user's own, for how sessions are judged and which browser to take."""
    data_dir: Path | None
    port: int
    shop_port: int
    visits: int
    keep: bool
    recorded: bool
    """Send recorded visits, even where there is a browser."""
    record: bool
    """Keep the live visits as the recorded ones."""


class Audience(Protocol):
    """Whoever watches the demo run."""

    def hear(self, sentence: str) -> None:
        """Something to know."""

    def arrive(self, product: Product, shop_url: str) -> None:
        """Both are up."""

    def follow(self, legend: str, total: int) -> Callable[[], None]:
        """A phase of ``total`` steps begins; call the answer after each."""

    def judge(self, inspection: Inspection, product: Product) -> None:
        """The issues are out; the servers still run, until this returns."""


def run_demo(plan: Plan, audience: Audience) -> Inspection:
    """Everything once; the servers stop when ``audience.judge`` returns."""
    browser = None if plan.recorded else _browser(plan, audience)
    with (
        running_product(plan.settings, plan.data_dir, plan.port, keep=plan.keep) as product,
        running_shop(product.snippet(SITE), plan.shop_port) as shop_url,
    ):
        audience.arrive(product, shop_url)
        met = _let_visit(plan, browser, product, shop_url, audience)
        step = audience.follow("sessions judged", len(met))
        statuses = wait_for_reports(product, list(met), step)
        for session_id, who in met.items() if plan.record else ():
            save_visit(product, session_id, who, shop_url)
        inspection = inspect(product, met, statuses)
        audience.judge(inspection, product)
    return inspection


def _browser(plan: Plan, audience: Audience) -> FoundBrowser | None:
    browser = find_browser(plan.settings.replay)
    if browser is None:
        why = why_no_browser(plan.settings.replay)
        if plan.record:
            raise RetroSpecError(f"Visits cannot be recorded: {why}.")
        audience.hear(f"No live visitors: {why}. Recorded visits are sent instead.")
    return browser


def _let_visit(
    plan: Plan, browser: FoundBrowser | None, product: Product, shop_url: str, audience: Audience
) -> dict[str, Met]:
    """Who each session was, by session id."""
    if browser is None:
        recorded = recorded_visits()
        step = audience.follow("recorded visits", len(recorded))
        return send_recorded(product, recorded, shop_url, step)
    from retrospec.demo.drive import drive

    step = audience.follow("visitors in the shop", plan.visits)
    made = asyncio.run(drive(browser.path, shop_url, visits(plan.visits), step))
    silent = [visit.visitor.name for visit in made if not visit.session_id]
    if silent:
        raise RetroSpecError(
            f"The SDK did not run in the shop for: {', '.join(silent)}.",
            hint="In a checkout: python hatch_build.py",
        )
    return {visit.session_id: Met(visit.visitor.name, visit.visitor.fault) for visit in made}
