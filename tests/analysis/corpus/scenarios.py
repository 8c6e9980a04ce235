"""What a scenario is: pages, what a visitor does on them, and what a perfect reader would find."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from playwright.async_api import Page

Steps = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True)
class Scenario:
    """``expects``: detectors that must find something; ``allows``: those that may; every other one must stay silent."""

    name: str
    half: str
    pages: dict[str, str]
    steps: Steps
    expects: frozenset[str] = frozenset()
    allows: frozenset[str] = frozenset()
    is_failure: bool = False
    """Worth an issue: ``ready`` is the right verdict. A quick back is found, yet nobody's failure."""

@dataclass
class Shelf:
    """Collects scenarios as they are declared."""

    scenarios: list[Scenario] = field(default_factory=list)

    def add(self, name: str, half: str, body: str | dict[str, str], expects: str = "", allows: str = "", is_failure: bool = True) -> Callable[[Steps], Steps]:
        """Declares one; the decorated function is what the visitor does."""
        bodies = body if isinstance(body, dict) else {"": body}

        def keep(steps: Steps) -> Steps:
            pages = {path: document(text, f"{name} {path}".strip()) for path, text in bodies.items()}
            self.scenarios.append(Scenario(name, half, pages, steps, frozenset(expects.split()), frozenset(allows.split()), is_failure and bool(expects)))
            return steps

        return keep


def document(body: str, title: str) -> str:
    """A whole page around ``body``."""
    style = "body{font:16px sans-serif;margin:2rem}button,.b{padding:.4rem 1rem}.is-gone{display:none}"
    return f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head><body>{body}</body></html>'


async def pause(page: Page, ms: int) -> None:
    """The visitor waits: real time, since recordings are about time."""
    await page.wait_for_timeout(ms)


async def clicks(page: Page, selector: str, count: int, gap_ms: int = 250) -> None:
    """The visitor clicks one thing several times."""
    box = await page.locator(selector).first.bounding_box()
    assert box is not None, f"{selector} is not to be seen"
    for _ in range(count):
        await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await pause(page, gap_ms)
