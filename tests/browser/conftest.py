"""A real Chromium for the tests that open pages; where there is none they are skipped, loudly."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
LOUD = "BROWSER TESTS SKIPPED: no Chromium"
QUIET_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it at the end of the run, where it cannot be overlooked."""
    if CHROMIUM is None:
        terminalreporter.section(LOUD, sep="!", red=True, bold=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a file; its event loop may not run beside the tests that come after them."""
    if CHROMIUM is None:
        warnings.warn(LOUD, stacklevel=1)  # travels from a test worker to the summary of the run
        pytest.skip(LOUD)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET_ARGUMENTS)
        yield running
        running.close()
