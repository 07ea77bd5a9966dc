"""The catalogue of the command and of errors: ``python -m tests.support.catalogue`` compiles what was written.

It says which message ids are missing or no longer used, and writes ``zh.mo`` from ``zh.po``.
"""

from __future__ import annotations

from pathlib import Path

from babel.messages.pofile import read_po

from client_sdk.texts.catalogue import compiled_bytes
from tests.support.message_ids import MessageId, message_ids

__all__ = ["COMPILED", "WRITTEN", "written_texts"]

WRITTEN = Path("client_sdk/texts/locales/zh.po")
COMPILED = WRITTEN.with_suffix(".mo")


def written_texts() -> dict[MessageId, str]:
    """Return every entry of the catalogue."""
    with WRITTEN.open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    return {MessageId(entry.context or "", str(entry.id)): str(entry.string) for entry in catalogue if entry.id}


def main() -> None:
    """Compile the catalogue."""
    wanted, written = message_ids(), written_texts()
    for kind, ids in (("missing", wanted - set(written)), ("no longer used", set(written) - wanted)):
        for item in sorted(ids):
            print(f"{kind}: {item.context or 'text'}: {item.text!r}")  # noqa: T201 - a program of its own
    COMPILED.write_bytes(compiled_bytes(WRITTEN))


if __name__ == "__main__":
    main()
