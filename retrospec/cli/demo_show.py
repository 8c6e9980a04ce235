"""The demo on a terminal."""

import signal
import threading
from collections.abc import Callable

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from retrospec.demo.inspection import Found, Inspection
from retrospec.demo.product import Product


class Terminal:
    """Prints what happens; without ``once`` it keeps the servers up until Ctrl-C."""

    def __init__(self, console: Console, *, once: bool, keep: bool) -> None:
        self._console = console
        self._once = once
        self._keep = keep
        columns = (
            TextColumn("  {task.description:22}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

    def hear(self, sentence: str) -> None:
        """A line."""
        self._print(f"[yellow]{escape(sentence)}[/yellow]")

    def arrive(self, product: Product, shop_url: str) -> None:
        """Where to look."""
        self._print("[bold]RetroSpec demo[/bold]")
        self._print(f"  dashboard  {product.url}")
        self._print(f"  shop       {shop_url}  (broken on purpose)\n")
        self._bars.start()

    def follow(self, legend: str, total: int) -> Callable[[], None]:
        """A progress bar."""
        task = self._bars.add_task(legend, total=total)
        return lambda: self._bars.advance(task)

    def judge(self, inspection: Inspection, product: Product) -> None:
        """The issues with their links, which planted fault each is, and what is wrong about that."""
        self._bars.stop()
        self._print(
            f"[bold]{len(inspection.found)} issues came out of {len(inspection.statuses)} visits[/bold]"
        )
        for found in inspection.found:
            self._show(found)
        for fault in inspection.missing:
            self._print(
                f"\n  [bold red]missing[/bold red] {fault.title}\n  planted in {fault.planted_in}, but no issue shows it"
            )
        pending = sum(status == "pending" for status in inspection.statuses.values())
        if pending:
            self._print(f"\n  [bold red]{pending} sessions were not judged in time[/bold red]")
        if product.sign_in_url:
            self._print(f"\nSign in (this link works once):\n  {product.sign_in_url}")
        if not self._once:
            self._print("\nBoth keep running, so that you can look around. Stop with Ctrl-C.")
            _wait_for_stop()
        if self._keep:
            self._print(f"\nThe data stays in {product.data_dir}")

    def close(self) -> None:
        """Give the terminal back, whatever happened."""
        self._bars.stop()

    def _show(self, found: Found) -> None:
        self._print(f"\n  [bold]{escape(found.symptom or found.key)}[/bold]")
        if found.fault:
            self._print(f"  [green]planted:[/green] {found.fault.title} ({found.fault.planted_in})")
        else:
            self._print(
                f"  [bold red]not planted:[/bold red] {escape('; '.join(found.labels))}, seen by {', '.join(found.visitors)}"
            )
        self._print(
            f"  {found.kind} · {found.session_count} sessions, {found.user_count} people · {found.basis or 'text'}-confirmed"
        )
        self._print(f"  {found.url}")

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, highlight=False)


def _wait_for_stop() -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
