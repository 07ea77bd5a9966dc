"""Hooks of MkDocs: pages for the texts outside of docs/, generated references, links as the site has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mkdocs.structure.files import File

from docs_site.command_pages import command_pages
from docs_site.contract_page import contract_page
from docs_site.pages import ROOT, TEXTS, page_of, pictures, with_site_links
from docs_site.refusal_page import refusal_page
from docs_site.sdk_page import sdk_page
from docs_site.settings_page import settings_page

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

__all__ = ["on_files", "on_page_markdown"]

_places: dict[str, str] = {}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that have no file in docs/."""
    for place in TEXTS:
        files.append(File.generated(config, page_of(place), content=(ROOT / place).read_text()))
    generated = {
        "generated/sdk.md": sdk_page(),
        "generated/contract.md": contract_page(),
        "generated/settings.md": settings_page(),
        "generated/refusals.md": refusal_page(),
        **command_pages(),
    }
    for path, text in generated.items():
        files.append(File.generated(config, path, content=text))
    texts = [*TEXTS, *(f"docs/{file.src_uri}" for file in files if file.generated_by is None)]
    _places.update({place: page_of(place) for place in (*texts, *pictures())})
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the text of a page with links as the site has them."""
    del config, files
    place = next((place for place, path in _places.items() if path == page.file.src_uri), None)
    return markdown if place is None else with_site_links(markdown, place, _places)
