"""The demo from start to end: product and shop up, visitors through, issues out, links on the terminal."""

import asyncio
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from retrospec.demo.inspection import Found, Inspection, Met, inspect, wait_for_reports
from retrospec.demo.product import Product, running_product
from retrospec.demo.recorded import SITE, recorded_visits, save_visit, send_recorded
from retrospec.demo.shop import running_shop
from retrospec.demo.visitors import visits
from retrospec.domain.errors import RetroSpecError
from retrospec.domain.settings import ReplaySettings
from retrospec.replay.browser import FoundBrowser, find_browser, why_no_browser


class Plan(msgspec.Struct):
    """What was asked for on the command line."""

    data_dir: Path | None
    port: int
    shop_port: int
    visits: int
    keep: bool
    once: bool
    recorded: bool
    record: bool


def run_demo(plan: Plan, console: Console) -> int:
    """The exit code: 0 when exactly the planted faults came out."""
    browser = find_browser(ReplaySettings())
    if plan.record and browser is None:
        raise RetroSpecError(f"Visits cannot be recorded: {why_no_browser(ReplaySettings())}.")
    if browser is None and not plan.recorded:
        console.print(f"[yellow]No live visitors:[/yellow] {why_no_browser(ReplaySettings())}.")
        console.print("Recorded visits are sent instead.")
    with (
        running_product(plan.data_dir, plan.port, keep=plan.keep) as product,
        running_shop(product.snippet(SITE), plan.shop_port) as shop_url,
    ):
        _say_where(console, product, shop_url)
        inspection = _let_visit(plan, None if plan.recorded else browser, product, shop_url, console)
        show_inspection(console, inspection, product)
        if not plan.once:
            console.print("\nBoth keep running, so that you can look around. Stop with Ctrl-C.")
            _wait_for_stop()
        if plan.keep:
            console.print(f"The data stays in {product.data_dir}")
    return 0 if inspection.is_clean else 1


def _say_where(console: Console, product: Product, shop_url: str) -> None:
    console.print("[bold]RetroSpec demo[/bold]")
    console.print(f"  dashboard  {product.url}", soft_wrap=True, highlight=False)
    console.print(f"  shop       {shop_url}  (broken on purpose)\n", soft_wrap=True, highlight=False)


def _let_visit(
    plan: Plan, browser: FoundBrowser | None, product: Product, shop_url: str, console: Console
) -> Inspection:
    with _bars(console) as bars:
        if browser is None:
            recorded = recorded_visits()
            step = _stepper(bars, "recorded visits", len(recorded))
            met = send_recorded(product, recorded, shop_url, lambda _name: step())
        else:
            met = _live_visits(plan, browser, shop_url, _stepper(bars, "visitors in the shop", plan.visits))
        step = _stepper(bars, "sessions judged", len(met))
        statuses = wait_for_reports(product, list(met), lambda _done: step())
    if plan.record:
        for session_id, who in met.items():
            save_visit(product, session_id, who, shop_url)
    return inspect(product, met, statuses)


def _live_visits(
    plan: Plan, browser: FoundBrowser, shop_url: str, step: Callable[[], None]
) -> dict[str, Met]:
    from retrospec.demo.drive import drive

    made = asyncio.run(drive(browser.path, shop_url, visits(plan.visits), lambda _visit: step()))
    unrecorded = [visit.visitor.name for visit in made if not visit.session_id]
    if unrecorded:
        raise RetroSpecError(
            f"The SDK did not run in the shop for: {', '.join(unrecorded)}.",
            hint="In a checkout: python hatch_build.py",
        )
    return {visit.session_id: Met(visit.visitor.name, visit.visitor.fault) for visit in made}


def _bars(console: Console) -> Progress:
    columns = (TextColumn("  {task.description:22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _stepper(bars: Progress, legend: str, total: int) -> Callable[[], None]:
    task: TaskID = bars.add_task(legend, total=total)
    return lambda: bars.advance(task)


def show_inspection(console: Console, inspection: Inspection, product: Product) -> None:
    """The issues with their links, which planted fault each is, and what is wrong about that."""
    console.print(
        f"[bold]{len(inspection.found)} issues came out of {len(inspection.statuses)} visits[/bold]"
    )
    for found in inspection.found:
        _show_found(console, found)
    for fault in inspection.missing:
        console.print(
            f"\n[bold red]missing[/bold red] {fault.title}\n  planted in {fault.planted_in}, but no issue shows it"
        )
    pending = sum(status == "pending" for status in inspection.statuses.values())
    if pending:
        console.print(f"\n[bold red]{pending} sessions were not judged in time[/bold red]")
    if product.sign_in_url:
        console.print("\nSign in (this link works once):")
        console.print(f"  {product.sign_in_url}", soft_wrap=True, highlight=False)


def _show_found(console: Console, found: Found) -> None:
    people = f"{found.session_count} sessions, {found.user_count} people"
    console.print(f"\n  [bold]{found.symptom or found.key}[/bold]", soft_wrap=True, highlight=False)
    if found.fault:
        console.print(
            f"  [green]planted[/green] {found.fault.title} ({found.fault.planted_in})",
            soft_wrap=True,
            highlight=False,
        )
    else:
        console.print(
            f"  [bold red]not planted[/bold red] seen by {', '.join(found.visitors)}: {'; '.join(found.labels)}",
            soft_wrap=True,
            highlight=False,
        )
    console.print(
        f"  {found.kind} · {people} · {found.basis or 'text'}-confirmed", soft_wrap=True, highlight=False
    )
    console.print(f"  {found.url}", soft_wrap=True, highlight=False)


def _wait_for_stop() -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
