"""The documentation site has no broken link, stands by itself, and has every text, verb, setting and refusal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from client_sdk.cli.verbs.table import VERBS
from docs_site.pages import ROOT, page_of, with_site_links
from registry_server.errors import CATALOGUE
from registry_server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 600


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make docs` builds it; a broken link or anchor ends the build."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--config-file", "docs_site/mkdocs.yml"]
    done = subprocess.run(
        [*command, "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class _Loaded(HTMLParser):
    """Collects what a page has the browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"script", "img", "iframe"} and given.get("src"):
            self.addresses.append(str(given["src"]))
        if tag == "link" and given.get("rel") in {"stylesheet", "icon", "preload", "preconnect"}:
            self.addresses.append(str(given["href"]))


def pages(site: Path) -> Iterator[tuple[str, str]]:
    for page in sorted(site.rglob("*.html")):
        yield page.relative_to(site).as_posix(), page.read_text("utf-8")


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    loaded = _Loaded()
    for _, text in pages(site):
        loaded.feed(text)
    assert loaded.addresses
    assert [address for address in loaded.addresses if re.match(r"(https?:)?//", address)] == []


def test_every_text_of_the_tree_is_a_page_that_the_menu_leads_to(site: Path) -> None:
    menu = (ROOT / "docs_site" / "mkdocs.yml").read_text()
    for text in sorted((ROOT / "docs").glob("*.md")):
        assert f": {text.name}\n" in menu, text.name
    texts = [path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")]
    made = [text for text in texts if (site / page_of(text)).with_suffix(".html").exists() or "README" in text]
    assert made == texts


def test_references_have_every_verb_setting_and_refusal(site: Path) -> None:
    names = ("credit-registry", "settings", "refusals")
    reference = {name: (site / "generated" / f"{name}.html").read_text("utf-8") for name in names}
    assert [verb for verb in VERBS if f"credit-registry {verb}" not in reference["credit-registry"]] == []
    assert [name for name in Settings.model_fields if f"<code>{name}</code>" not in reference["settings"]] == []
    assert [reason for reason in CATALOGUE if f"<code>{reason}</code>" not in reference["refusals"]] == []
    contract = (site / "generated" / "contract.html").read_text("utf-8")
    for proto in (ROOT / "proto" / "creditregistry" / "v1").glob("*.proto"):
        assert proto.name in contract
    assert "Client.check_many" in (site / "generated" / "sdk.html").read_text("utf-8")


def test_no_page_names_a_place_of_this_machine(site: Path) -> None:
    assert [name for name, text in pages(site) if str(ROOT) in text] == []


def test_links_lead_to_pages_and_to_nothing_else() -> None:
    known = {"README.md": "index.md", "docs/members.md": "members.md", "docs/registry.svg": "registry.svg"}
    fenced = "```\n[e](docs/members.md)\n```\n"
    text = f"[a](docs/members.md#keys) [b](client_sdk/home.py) ![c](docs/registry.svg) [d](#here)\n{fenced}"
    shown = f"[a](members.md#keys) b ![c](registry.svg) [d](#here)\n{fenced}"
    assert with_site_links(text, "README.md", known) == shown
    assert with_site_links("[up](../../README.md)", "docs/adr/README.md", known) == "[up](../index.md)"


def test_blocks_of_code_with_a_name_are_blocks_and_take_no_heading_along(site: Path) -> None:
    for page in ("index.html", "testing.html", "http-api.html", "alerts.html"):
        assert "```" not in (site / page).read_text(encoding="utf-8"), page
    assert 'id="found-a-registry-administrators"' in (site / "index.html").read_text(encoding="utf-8")


def test_each_guide_is_in_the_navigation(site: Path) -> None:
    front = (site / "index.html").read_text(encoding="utf-8")
    navigation = front[front.index("md-nav--primary") : front.index("md-content")]
    for text in sorted((ROOT / "docs").glob("*.md")):
        assert f'href="{text.stem}.html"' in navigation, text.name
