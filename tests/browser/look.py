"""Open a page at every width, light and dark: what it looks like, and what is wrong with it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, sync_playwright

from verify.render.drawing import LEAST_TEXT

from .pages import Page

WIDTHS = {1280: 1200, 390: 1600}
"""Width and height of what is photographed."""
SCHEMES = ("light", "dark")
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--font-render-hinting=none")  # fmt: skip
_SMALLEST = 0.97 * LEAST_TEXT  # a telephone shows a little less than the width that drawings are made for
_TEXT_SIZES = """() => [...document.querySelectorAll('svg[role=img] text')].map(text => {
    const scale = text.ownerSVGElement.clientWidth / text.ownerSVGElement.viewBox.baseVal.width
    return [text.textContent, parseFloat(text.getAttribute('font-size')) * scale]
})"""


@dataclass(frozen=True)
class Look:
    """A page as seen at one width."""

    name: str
    png: bytes
    faults: tuple[str, ...]


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium as it is installed, or the one that the variable CHROMIUM names."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        raise SystemExit("Chromium is not installed; install it, or name its program in the variable CHROMIUM.")
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=list(_FLAGS))
        yield opened
        opened.close()


def looks(opened: Browser, page: Page, address: str, axe: str) -> Iterator[Look]:
    """The page at every width, light and dark.

    Parameters
    ----------
    opened : the browser.
    page : what is looked at.
    address : where it is.
    axe : the script of axe-core.
    """
    alone = _alone(opened, page, address)
    for width, height in WIDTHS.items():
        for scheme in SCHEMES:
            context = opened.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                reduced_motion="reduce",
                bypass_csp=True,
            )
            tab = context.new_page()
            tab.goto(address)
            tab.wait_for_selector(page.ready)
            png = tab.screenshot()
            tab.evaluate(axe)
            faults = [
                f"axe-core: {found['id']} ({found['impact']}), {len(found['nodes'])} times, such as "
                f"{found['nodes'][0]['html']:.120}"
                for found in tab.evaluate("axe.run()")["violations"]
            ]
            over = tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            faults += [f"the page is {over} pixels wider than the window"] if over > 0 else []
            small = [words for words, size in tab.evaluate(_TEXT_SIZES) if size < _SMALLEST]
            faults += [f"{len(small)} words of drawings are too small, such as {small[0]!r:.60}"] if small else []
            context.close()
            yield Look(f"{page.name}-{width}-{scheme}", png, (*alone, *faults))
            alone = ()


def _alone(opened: Browser, page: Page, address: str) -> tuple[str, ...]:
    """What a page does under its own rules that it should not: loads, or is stopped by them."""
    context = opened.new_context()
    tab = context.new_page()
    requests: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(address)
    tab.wait_for_selector(page.ready)
    faults = page.check(tab)
    context.close()
    here = address.rsplit("/", 1)[0]
    wrong = [url for url in requests if url != address and not (page.runs and url.startswith(here))]
    return (*(f"loads {url:.120}" for url in wrong), *(f"the browser says: {text:.200}" for text in said), *faults)
