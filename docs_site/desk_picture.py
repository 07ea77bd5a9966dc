"""Makes docs/desk.png anew: an answer at the desk of a lender of the sandbox, as Chromium shows it.

python -m docs_site.desk_picture          needs Chromium, and a font with Chinese characters
"""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from client_sdk.invented.parties import LENDERS, OFFICE
from client_sdk.invented.synthetic import Story, borrowers
from client_sdk.sandbox.filling import PEOPLE, fill
from client_sdk.testing import TestRegistry
from docs_site.pages import ROOT
from tests.conftest import chromium

__all__ = ["PICTURE"]

PICTURE = ROOT / "docs" / "desk.png"
_SECONDS = 60
_WIDTH, _HEIGHT = 1_080, 1_480


def main() -> None:
    """Write the picture."""
    # Who opens the one-time link is called as the account is.
    os.environ["LOGNAME"] = "anna"
    asker = LENDERS[1].name
    person = next(one for one in borrowers(PEOPLE) if one.story is Story.STAYED)
    lenders = [one.name for one in LENDERS[:2]]
    with (
        tempfile.TemporaryDirectory() as temporary,
        TestRegistry(lenders=lenders, representatives=[OFFICE.name]) as registry,
        chromium(Path(temporary)) as browser,
    ):
        fill(registry)
        consent = Path(temporary) / "consent.txt"
        consent.write_text("I agree that you ask the registry about me for this loan.\n")
        (desk,) = registry.start_desks(asker)
        browser.set_window_size(_WIDTH, _HEIGHT)
        browser.get(str(desk.link))
        WebDriverWait(browser, _SECONDS).until(lambda one: one.current_url.endswith("/today"))
        browser.get(browser.current_url.replace("/today", "/ask"))
        browser.find_element(By.ID, "number").send_keys(person.identity.number)
        yesterday = (datetime.now(UTC) - timedelta(1)).date().isoformat()
        browser.execute_script("document.getElementById('consent_date').value = arguments[0]", yesterday)
        browser.find_element(By.ID, "consent_file").send_keys(str(consent))
        browser.find_element(By.CSS_SELECTOR, "form[action='/ask'] button").click()
        WebDriverWait(browser, _SECONDS).until(lambda one: "/answers/" in one.current_url)
        browser.execute_script("document.documentElement.style.overflow = 'hidden'")
        browser.save_screenshot(str(PICTURE))


if __name__ == "__main__":
    main()
