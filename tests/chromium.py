"""Debian's Chromium, driven by Playwright: what a person sees and clicks on the site."""

import contextlib
from collections.abc import Iterator

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from programs import find_program

WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""The rules of axe-core that a page must keep."""

# a machine that runs five tests at once is slow, and that is not what is asked
expect.set_options(timeout=60_000)


@contextlib.contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start it once for many pages; without it the test skips, and in CI it fails."""
    program = find_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        try:
            yield browser
        finally:
            browser.close()


class Eye:
    """One page, and all that the browser itself found wrong with what it was sent."""

    def __init__(self, browser: Browser, origin: str, scheme: str = "light") -> None:
        # a colour on its way to another has the contrast of neither
        self.context = browser.new_context(
            base_url=origin, color_scheme=scheme, reduced_motion="reduce"
        )
        self.context.set_default_timeout(60_000)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self._note(said.type, said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        # a status of 4xx is an answer that a test may ask for; a policy that is broken is not
        if kind in ("error", "warning") and "the server responded with a status" not in text:
            self.complaints.append(text)

    def sign_in(self, name: str, password: str) -> None:
        self.page.goto("/sign-in")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def barriers(self) -> list[str]:
        """Return what axe-core finds on the page as it stands: the rule, and where."""
        only = {"runOnly": {"type": "tag", "values": WCAG_AA}, "resultTypes": ["violations"]}
        found = Axe().run(self.page, options=only).response["violations"]
        return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]
