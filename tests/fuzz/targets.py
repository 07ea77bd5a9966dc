"""What is fuzzed: every parser of bytes that come from outside, with bytes that it reads.

A target gets any bytes. It returns, or raises AssertionError where a value has a second encoding; anything else that is
raised is a defect of the parser.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.errors import CreditRegistryError
from client_sdk.kernel.formats.batch_signature import BatchSignature
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
from client_sdk.kernel.formats.witness_request import parse_witness_request
from client_sdk.kernel.ledger.key_grant_file import KeyGrantFile
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.lending.files import read_portfolio
from client_sdk.verification import read_trust_root
from tests.client_sdk.kernel.formats.test_formats_parsers import ALL
from tests.client_sdk.kernel.ledger.test_attacks_parsers import CANONICAL, EVIDENCE, FORMS, OTHERS, TEXTS
from tests.conformance.cases import CASES, TRUST_ROOT, cases
from tests.conformance.verify import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client_sdk.kernel.ledger.test_attacks_parsers import Encodes

__all__ = ["TARGETS", "Target"]

# A checkpoint of C2SP's examples, and a portfolio as a spreadsheet writes it.
_QUORUM = b"witness w example.org/w+00000000+AAAA https://example.org/\ngroup g 1 w\nquorum g\n"
_REQUEST = b"old 0\n\nexample.org/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"
_CSV = b"kind,standing,contract\r\nDEFAULT,OPEN,HT-1\r\n"
_JSON_LINES = b'{"kind": "DEFAULT", "standing": "OPEN"}\n'


class Target(NamedTuple):
    """One parser.

    Attributes:
        check: gets any bytes.
        seeds: bytes with which a fuzzer begins.
    """

    check: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


def _quietly(parse: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """Return a parser whose refusals are no defects."""

    def check(data: bytes) -> None:
        try:
            parse(data)
        except (FormatError, RuleError, CreditRegistryError):
            return

    return check


def _canonical(parse: Callable[[bytes], Encodes]) -> Callable[[bytes], object]:
    """Return a parser of a form with one encoding, which is held to it."""

    def check(data: bytes) -> None:
        value = parse(data)
        assert value.encode() == data, f"{type(value).__name__} has a second encoding"

    return _quietly(check)


def _of_text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    """Return a parser of text that gets bytes."""
    return _quietly(lambda data: parse(data.decode(errors="surrogateescape")))


def _rows(data: bytes) -> None:
    for _ in read_portfolio(BytesIO(data)):
        pass


def _targets() -> dict[str, Target]:
    found = {name: Target(_canonical(parse), (sample,)) for name, (parse, sample) in CANONICAL.items()}
    found |= {name: Target(_quietly(parse), (EVIDENCE,)) for name, parse in OTHERS.items()}
    found |= {name: Target(_of_text(parse), (b"(2024)1",)) for name, parse in TEXTS.items()}
    for parser in ALL:
        found.setdefault(parser.name, Target(_quietly(parser.again), (parser.sample,)))
    root = read_trust_root(CASES / TRUST_ROOT)
    for kind, judge in KINDS.items():
        files = tuple(case.path.read_bytes() for case in cases() if case.kind == kind and case.accepted)
        found[f"{kind} file"] = Target(_quietly(lambda data, judge=judge: judge(data, root)), files)  # type: ignore[misc]  # bound
    found["batch signature"] = Target(_canonical(BatchSignature.parse), (FORMS["batch signature 0"],))
    found["key grant file"] = Target(_quietly(KeyGrantFile.parse), (b"{}",))
    found["witness quorum"] = Target(_quietly(WitnessQuorum.parse), (_QUORUM,))
    found["witness request"] = Target(_quietly(parse_witness_request), (_REQUEST,))
    found["portfolio"] = Target(_quietly(_rows), (_CSV, _JSON_LINES))
    return {name.replace(" ", "-").replace(":", ""): target for name, target in found.items()}


TARGETS = _targets()
