"""Texts in English and Chinese: whose language it is, the catalogues of gettext, and what says a text.

A message id is the English text, with places in braces for values. English needs no catalogue and reads none.
"""

from client_sdk.texts.language import LANGUAGE_VARIABLE, Language, language_named, language_of_user
from client_sdk.texts.recognised import recognised
from client_sdk.texts.spoken import N_, say, speak, spoken_language

__all__ = [
    "LANGUAGE_VARIABLE",
    "N_",
    "Language",
    "language_named",
    "language_of_user",
    "recognised",
    "say",
    "speak",
    "spoken_language",
]
