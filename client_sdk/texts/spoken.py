"""The language of a program that serves one user: set once at its start, and used by all that it says."""

from __future__ import annotations

from client_sdk.texts.language import Language

__all__ = ["N_", "say", "speak", "spoken_language"]


class _Spoken:
    """The language of this process."""

    language = Language.ENGLISH


def N_(text: str) -> str:  # noqa: N802 - gettext's own name
    """Mark a text that is said later; return it."""
    return text


def speak(language: Language) -> None:
    """Set the language in which this program says its texts."""
    _Spoken.language = language


def spoken_language() -> Language:
    """Return the language in which this program says its texts."""
    return _Spoken.language


def say(text: str, /, **values: object) -> str:
    """Return a text in the program's language; ``values`` take the places in braces, after translation."""
    if _Spoken.language is not Language.ENGLISH:
        # What names a place alone, or nothing, is in no catalogue: the empty id is gettext's own header.
        from client_sdk.texts.catalogue import own_catalogue  # noqa: PLC0415 - English reads no catalogue

        text = own_catalogue(_Spoken.language).gettext(text) if text else text
    return text.format(**values) if values else text
