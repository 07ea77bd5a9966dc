"""The twelve most usual mistakes at the desk: what is wrong and what to do next, in both languages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from client_sdk import Identity, IdType, errors
from client_sdk.desk.failures import error_words
from client_sdk.desk.rule_words import FORM_ERRORS, mistakes_of
from client_sdk.desk.texts import Language, say_in
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.lending.files import read_portfolio, write_portfolio
from client_sdk.verification import read_trust_root
from tests.client_sdk.sdk_samples import default_report

if TYPE_CHECKING:
    from collections.abc import Callable

EXPIRED = (
    "TLS: certificate.pem: expired on 2026-01-01, and this machine's clock shows 2026-02-01 00:00:00 UTC; too late to "
    "renew it"
)


@dataclass(frozen=True, slots=True)
class DeskMistake:
    """An error that somebody at the desk causes or meets, and what is said of it."""

    error: Callable[[Path], errors.CreditRegistryError]
    english: str
    chinese: str


def _wrong_number(_folder: Path) -> errors.CreditRegistryError:
    with pytest.raises(errors.IdentityError) as raised:
        Identity.parse(IdType.CN_RESIDENT_ID, "110105180001010011")
    return raised.value


def _no_file(folder: Path) -> errors.CreditRegistryError:
    with pytest.raises(errors.ConfigError) as raised:
        read_trust_root(folder / "trust-root.bin")
    return raised.value


def _another_encoding(folder: Path) -> errors.CreditRegistryError:
    file = folder / "loans.csv"
    write_portfolio(file, [default_report(1)])
    file.write_bytes(file.read_bytes() + "Café\n".encode("latin-1"))
    with pytest.raises(errors.PreflightError) as raised:
        list(read_portfolio(file))
    return raised.value


MISTAKES = {
    "wrong number": DeskMistake(
        _wrong_number, "One digit is mistyped.*the check character of GB 11643", "GB 11643 的校验码"
    ),
    "wrong day": DeskMistake(
        lambda _: RuleError("DATE_INVALID", "facts.as_of", "dates.real", want="a real date as YYYY-MM-DD"),
        "dates are YYYY-MM-DD.*a real date as YYYY-MM-DD",
        "YYYY-MM-DD.*YYYY-MM-DD 格式的真实日期",
    ),
    "no consent": DeskMistake(
        lambda _: RuleError("CONSENT_MISSING", "consent", "C06", want="the person's written consent"),
        "Give the person's written consent",
        "请提供本人书面同意.*本人的书面同意",
    ),
    "key file missing": DeskMistake(
        _no_file,
        "Tell who looks after this desk.*cannot be read: No such file",
        "请告知工作台维护人员.*无法读取 .*：没有此文件或文件夹",
    ),
    "clock off": DeskMistake(
        lambda _: errors.ConflictError("INQUIRY_STALE"), "Check the clock of this machine", "请检查本机时钟"
    ),
    "registry away": DeskMistake(
        lambda _: errors.UnavailableError("away"), "network, address, certificate", "检查网络、地址和证书"
    ),
    "wrong fingerprint": DeskMistake(
        lambda _: errors.VerificationError("trust root", "trust-root.fingerprint", got="aa", want="bb"),
        "tell the auditor and the administrators.*trust-root.fingerprint",
        "告知审计方和管理员.*trust-root.fingerprint",
    ),
    "certificate ended": DeskMistake(
        lambda _: errors.ConfigError(EXPIRED),
        "Tell who looks after this desk.*expired on 2026-01-01",
        "请告知工作台维护人员.*已于 2026-01-01 过期，本机时钟为 UTC 2026-02-01 00:00:00；已无法续期",
    ),
    "not permitted": DeskMistake(
        lambda _: errors.NotPermittedError("NOT_PERMITTED"), "for another role", "属于其他角色"
    ),
    "another version": DeskMistake(
        lambda _: errors.ConflictError("VERSION_TAKEN"), "has changed meanwhile.*open it again", "重新打开"
    ),
    "notice too late": DeskMistake(
        lambda _: RuleError(
            "NOTICE_LATE", "facts.notice.sent_at", "notice.before", got="3 hours", want="at least 24 hours before"
        ),
        "Tell the person first.*at least 24 hours before",
        "请先告知本人.*至少提前 24 小时",
    ),
    "another encoding": DeskMistake(
        _another_encoding,
        "Correct what is named.*file.encoding.*if it is GB18030 or UTF-16",
        "请.*更正.*file.encoding.*若为 GB18030 或 UTF-16，请指明编码",
    ),
}


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", MISTAKES)
def test_a_usual_mistake_at_the_desk_says_what_to_do_next(name: str, language: Language, tmp_path: Path) -> None:
    mistake, say = MISTAKES[name], say_in(language)
    error = mistake.error(tmp_path)
    told = error_words(error, say)
    details = [*told.details, *(pair for violation in told.violations for pair in violation)]
    said = " ".join((told.next, *(f"{key}: {value}" for key, value in details)))
    assert re.search(mistake.english if language is Language.ENGLISH else mistake.chinese, said), said
    if isinstance(error, FORM_ERRORS):
        wrong, others = mistakes_of(error, {}, say)
        assert all([*wrong.values(), *others])
        assert wrong or others
    if language is Language.CHINESE:
        # The next step and the title hold no English sentence.
        assert not re.search(r"(?:\b[a-z]{2,}\b[ ,]+){3}[a-z]{2,}", f"{told.title} {told.next}")


def test_the_guide_lists_the_twelve() -> None:
    guide = " ".join((Path(__file__).parents[3] / "docs/desk.md").read_text(encoding="utf-8").split())
    assert f"in both languages: {', '.join(MISTAKES)}." in guide
    assert len(MISTAKES) == 12
