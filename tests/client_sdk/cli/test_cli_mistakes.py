"""The twelve most usual mistakes at the command: what went wrong and what to do next, in both languages."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from client_sdk.lending.files import write_portfolio
from client_sdk.texts import Language, speak
from tests.client_sdk.cli.command_samples import DIGEST, id_number, report_words
from tests.client_sdk.sdk_samples import default_facts, default_report
from tests.support.command import Command
from tests.support.tls import Authority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from client_sdk.testing import TestRegistry

CHECK = ("check", "--purpose", "LOAN_APPROVAL", "--officer", "clerk-7", "--identity-file", "-")
CONSENT = ("--consent-date", "2026-01-01", "--consent-digest", DIGEST)
# A port of the discard protocol, at which nothing listens.
NOBODY = "127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Mistake:
    """What somebody types, and what is said of it.

    Attributes:
        spoil: changes the home, a copy, and returns the words; takes the home and a folder for files.
        english: what is said, as a pattern; with the next step.
        chinese: the same in Chinese.
        given: on standard input; empty for the number of a person.
        member: whose home it is.
    """

    spoil: Callable[[Path, Path], tuple[str, ...]]
    english: str
    chinese: str
    given: str = ""
    member: str = "lender-1"


def _typed(*words: str) -> Callable[[Path, Path], tuple[str, ...]]:
    return lambda _home, _folder: words


def _key_is_missing(home: Path, _folder: Path) -> tuple[str, ...]:
    for key in (home / "keys").glob("*inquire*.pem"):
        key.unlink()
    return (*CHECK, *CONSENT)


def _certificate(
    home: Path, *, lifetime: timedelta = timedelta(days=365), wait: timedelta = timedelta(hours=-1)
) -> None:
    issued = Authority().member("lender-1", lifetime=lifetime, wait=wait)
    for name, pem in (("certificate", issued.certificate), ("key", issued.key)):
        (home / "tls" / f"{name}.pem").write_bytes(pem)


def _clock_is_behind(home: Path, _folder: Path) -> tuple[str, ...]:
    _certificate(home, wait=timedelta(days=2))
    return ("records",)


def _certificate_has_ended(home: Path, _folder: Path) -> tuple[str, ...]:
    _certificate(home, lifetime=timedelta(days=-3))
    return ("records",)


def _registry_is_away(home: Path, _folder: Path) -> tuple[str, ...]:
    settings = home / "config.toml"
    text = re.sub(r'^registry = ".*"$', f'registry = "{NOBODY}"', settings.read_text(), flags=re.MULTILINE)
    settings.write_text(text + "\n[limits]\ndeadline = 2\n")
    return ("records",)


def _setting_is_unknown(home: Path, _folder: Path) -> tuple[str, ...]:
    settings = home / "config.toml"
    settings.write_text("max_age = 60\n" + settings.read_text())
    return ("records",)


def _fingerprint_is_wrong(home: Path, _folder: Path) -> tuple[str, ...]:
    return ("trust", "install", str(home / "trust-root.bin"), "--fingerprint", "ab" * 32)


def _file_is_of_another_encoding(_home: Path, folder: Path) -> tuple[str, ...]:
    file = folder / "loans.csv"
    write_portfolio(file, [default_report(1)])
    file.write_bytes(file.read_bytes() + "Café\n".encode("latin-1"))
    return ("report", str(file), "--dry-run")


def _home_is_there(_home: Path, _folder: Path) -> tuple[str, ...]:
    return (
        *("init", "--institution", "lender-1", "--name", "First", "--licence", "L-1", "--role", "LENDER"),
        *("--registry", NOBODY, "--registry-name", "example"),
    )


MISTAKES = {
    "wrong number": Mistake(
        _typed(*CHECK, *CONSENT),
        r"no number of the type CN_RESIDENT_ID .*identity\.checksum.*What to do: compare it with the document",
        r"不是 CN_RESIDENT_ID 类型的号码.*identity\.checksum.*怎么办：请与证件核对",
        given="110105180001010011",
    ),
    "wrong date": Mistake(
        _typed(*CHECK, "--consent-date", "01.02.2026", "--consent-digest", DIGEST),
        r"--consent-date.*want a day with the year first.*found 10 characters: digits, '\.'",
        r"--consent-date.*日期应为年份在前.*实际为.*怎么办：",
    ),
    "no consent": Mistake(
        _typed(*CHECK, "--consent-date", "2026-01-01"),
        r"the person's consent needs its digest.*What to do: give --consent-file",
        r"本人的同意书须有摘要.*怎么办：请用 --consent-file 给出签署的文件",
    ),
    "key file missing": Mistake(
        _key_is_missing,
        r"CONFIG: .*cannot be read: No such file.*What to do: put it back from the backup of keys/",
        r"CONFIG: 无法读取 .*：没有此文件.*怎么办：请从 keys/ 的备份恢复",
    ),
    "clock behind": Mistake(
        _clock_is_behind,
        r"good only from .*this machine's clock shows.*What to do: check this machine's clock first \(NTP\)",
        r"自 UTC .* 起方有效，本机时钟为 UTC .*怎么办：请先检查本机时钟（NTP）",
    ),
    "registry away": Mistake(
        _registry_is_away,
        rf"UNAVAILABLE: the registry at {NOBODY} does not answer.*What to do: check address, network and certificate",
        rf"UNAVAILABLE: 登记系统（{NOBODY}）没有答复.*怎么办：请检查地址、网络和证书",
    ),
    "unknown setting": Mistake(
        _setting_is_unknown,
        r"config\.toml: unknown settings: max_age; want .*limits.*What to do: correct that file; docs/members\.md",
        r"max_age.*怎么办：请更正该文件；各项设置的含义见 docs/members\.md",
    ),
    "wrong fingerprint": Mistake(
        _fingerprint_is_wrong,
        r"trust-root\.fingerprint.*What to do: compare the two; one may be mistyped",
        r"trust-root\.fingerprint.*怎么办：请比较两者，可能有一个输错",
    ),
    "certificate ended": Mistake(
        _certificate_has_ended,
        r"expired on .*too late to renew it.*What to do: check this machine's clock first.*administrator",
        r"已于 .* 过期.*已无法续期.*怎么办：请先检查本机时钟.*管理员",
    ),
    "not permitted": Mistake(
        _typed("records"),
        r"NOT_PERMITTED: .*What to do: this is for another role; `credit-registry status` says which",
        r"NOT_PERMITTED: .*不允许此操作.*怎么办：此操作属于其他角色；`credit-registry status` 显示本成员的角色",
        member="auditor",
    ),
    "amount in another unit": Mistake(
        _typed(),
        r"money\.hundredfold .*exactly 100 times as much as, or as little as a hundredth of, the version before",
        r"money\.hundredfold .*恰为前一版本的 100 倍，或恰为其百分之一",
    ),
    "another encoding": Mistake(
        _file_is_of_another_encoding,
        r"file\.encoding.*UTF-8; if it is GB18030 or UTF-16, say so as its encoding.*What to do: correct what is named",
        r"file\.encoding.*UTF-8；若为 GB18030 或 UTF-16，请指明编码.*怎么办：请更正所指的内容后重新运行同一命令",
    ),
    "home is there": Mistake(
        _home_is_there,
        r"exists already: this folder is a member's home.*What to do: nothing is written over: name another place",
        r"已存在：该文件夹已是成员目录.*怎么办：不覆盖任何文件：请换一个位置",
    ),
}


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    speak(Language.ENGLISH)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", MISTAKES)
def test_a_usual_mistake_says_what_to_do_next(
    registry: TestRegistry, lender: Command, number: int, tmp_path: Path, name: str, language: Language
) -> None:
    mistake = MISTAKES[name]
    home = Command(shutil.copytree(registry.home(mistake.member), tmp_path / mistake.member))
    words = mistake.spoil(home.home, tmp_path)
    if not words:
        lender(*report_words(number), "--yes", given=id_number(number))
        principal = str(default_facts().amounts.principal * 100)
        words = (
            *report_words(number, principal=principal, as_of="2025-05-01", days_past_due="31"),
            "--dry-run",
        )
    ended = home.said("--lang", language, *words, given=mistake.given or id_number(number), code=None)
    said = " ".join((ended.out + ended.err).split())
    assert ended.code != 0 or name == "amount in another unit"
    assert re.search(mistake.english if language is Language.ENGLISH else mistake.chinese, said), said
    # No identity number is repeated.
    assert (mistake.given or id_number(number)) not in said
