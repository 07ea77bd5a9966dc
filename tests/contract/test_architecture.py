"""ARCHITECTURE.md names files that exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.contract.test_tracked_files import ROOT, tracked

NAMED = re.compile(r"`([\w./]+\.(?:py|proto|md))`")
FOLDER = re.compile(r"`((?:client_sdk|registry_server|tests|proto)/[\w/]+?)/?`")


def test_every_file_and_folder_named_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    files = tracked()
    named = NAMED.findall(text)
    assert len(named) > 40
    assert [name for name in named if not any(f"/{file}".endswith(f"/{name}") for file in files)] == []
    assert [name for name in FOLDER.findall(text) if not Path(ROOT / name).is_dir()] == []
