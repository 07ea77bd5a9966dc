"""Catalogues of gettext: the compiled one of this package, and those that Babel reads as they are written."""

from __future__ import annotations

import gettext
import io
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from client_sdk.texts.language import Language

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["compiled_bytes", "own_catalogue", "written_catalogue"]


@cache
def own_catalogue(language: Language) -> gettext.NullTranslations:
    """Return the catalogue of the command and of errors; it is compiled, so that the command needs no Babel."""
    if language is Language.ENGLISH:
        return gettext.NullTranslations()
    with resources.files("client_sdk.texts").joinpath(f"locales/{language}.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def written_catalogue(file: Traversable) -> gettext.NullTranslations:
    """Return the catalogue in a file of gettext's texts (``.po``)."""
    return gettext.GNUTranslations(io.BytesIO(compiled_bytes(file)))


def compiled_bytes(file: Traversable) -> bytes:
    """Return a catalogue as gettext loads it (``.mo``)."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - the command does without
    from babel.messages.pofile import read_po  # noqa: PLC0415 - likewise

    with file.open("rb") as texts:
        catalogue = read_po(texts)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    return compiled.getvalue()
