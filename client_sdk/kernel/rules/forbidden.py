"""Forbidden data: what no free text may hold (征信业管理条例 Art. 14(1), C04).

No field asks for religion, genes, fingerprints, blood group or illness. A scan for words in the texts that people write
finds what is put there all the same: it refuses the plain case, and is no reading of what a text means.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.check_digits import holds_resident_number
from client_sdk.kernel.rules.errors import RuleError, RuleReason

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_names_nobody", "check_not_forbidden"]

# Words of each kind: of Chinese as parts of a text, of English as whole words. Names of persons and courts are not
# scanned for them, because many are such words.
_WORDS: Mapping[str, tuple[str, str]] = {
    "religion": (
        "宗教信仰|信教|佛教|道教|伊斯兰教|基督教|天主教|穆斯林|教徒",
        "religion|religious|muslims?|islam|christianity|buddhists?|catholics?|hindus?|jewish",
    ),
    "genes": ("基因|遗传病|染色体", "genetic|genome|dna|chromosomes?"),
    "fingerprints": ("指纹", "fingerprints?"),
    "blood group": ("血型", "blood (?:type|group)"),
    "illness": (
        "病史|病历|确诊|癌|肿瘤|白血病|艾滋|乙肝|肝炎|糖尿病|高血压|心脏病|尿毒症|抑郁症|精神病|精神分裂|传染病|肺结核",
        "medical history|diagnos(?:is|ed)|cancer|tumou?rs?|leuka?emia|hiv|hepatitis|diabet(?:es|ic)|schizophrenia",
    ),
}


def check_not_forbidden(text: str, field: str) -> None:
    """Check a free text for words of data that may not be collected.

    Raises:
        RuleError: FACTS_INVALID, C04; ``got`` names the kind of data, never what was written.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    for kind, words in _patterns().items():
        if words.search(folded):
            got, want = (
                f"a word about {kind}",
                "no religion, genes, fingerprints, blood group or illness: say it without",
            )
            raise RuleError(RuleReason.FACTS_INVALID, field, "C04", got=got, want=want)


def check_names_nobody(text: str, field: str) -> None:
    """Check a short text of facts for a resident identity number.

    Raises:
        RuleError: FACTS_INVALID; it holds one.
    """
    if holds_resident_number(text):
        got, want = "an identity number", "a text without one"
        raise RuleError(RuleReason.FACTS_INVALID, field, "text.number", got=got, want=want)


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {kind: re.compile(rf"{chinese}|\b(?:{english})\b") for kind, (chinese, english) in _WORDS.items()}
