"""Texts in what is signed: the same bytes are accepted or refused by every supported Python."""

from __future__ import annotations

import sys
import unicodedata
from hashlib import sha256

import pytest
from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.act import InstitutionBody
from client_sdk.kernel.formats.assigned import is_assigned
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import KeyUsage, Role
from tests.support.handmade_log import HandmadeLog

# A mark that Unicode 15.0 added: Unicode 14.0 says that the text is in NFC, Unicode 15.0 that it is not.
LATER = "x\u0301\U00010efd"
ASSIGNED = 282_230
# Of the NFC form, the NFD form and the combining class of each assigned character, in order.
NORMALISED = "7e96a69366a7a01f60008f80d75365edff9129a5fb5d903f33a5f145e428d4ee"


def refused(text: str) -> str:
    with pytest.raises(FormatError) as caught:
        canonical.encode(pb.InstitutionState(name=text))
    with pytest.raises(FormatError) as parsed:
        canonical.parse(pb.InstitutionState, pb.InstitutionState(name=text).SerializeToString(), "state")
    assert parsed.value.rule == caught.value.rule
    assert text not in str(parsed.value)
    return caught.value.rule


@pytest.mark.parametrize("text", [LATER, "\U00010efd", "\u0378", "\U0001fae8", "\uffff", "\U0003fffe", "名\U000323b0"])
def test_a_character_that_unicode_14_does_not_assign_is_refused(text: str) -> None:
    assert refused(text) == "canonical.assigned"


@pytest.mark.parametrize("text", ["x\u0301", "é", "名称", "\U0002ebe0", "\U0001fae7", "\ue000", "㐀", "ﬁ"])
def test_a_character_that_unicode_14_assigns_is_accepted(text: str) -> None:
    data = canonical.encode(pb.InstitutionState(name=text))
    assert canonical.parse(pb.InstitutionState, data, "state").name == text


@pytest.mark.parametrize("text", ["e\u0301", "\u212b", "a\nb", "\x85"])
def test_a_text_is_in_nfc_and_without_control_characters(text: str) -> None:
    assert refused(text) == "canonical.text"


def test_the_assigned_characters_normalise_as_in_unicode_14_under_every_python() -> None:
    digest, count = sha256(), 0
    for char in map(chr, range(sys.maxunicode + 1)):
        if is_assigned(char):
            count += 1
            for form in ("NFC", "NFD"):
                digest.update(unicodedata.normalize(form, char).encode() + b"\0")
            digest.update(bytes((unicodedata.combining(char),)))
    assert (count, digest.hexdigest()) == (ASSIGNED, NORMALISED)


def test_no_act_brings_an_unassigned_character_into_the_log() -> None:
    log = HandmadeLog()
    enrolment = log.enrolment("lender-4", (Role.LENDER,), KeyUsage.REPORT)
    leaf = log.act_leaf(log.next_act(InstitutionBody(enrolment)), log.administrators[:2])
    name = enrolment.name.encode()
    forged = "名\U00010efd".encode().ljust(len(name), b"x")[: len(name)]
    log.add(leaf.replace(name, forged))
    ((_, error),) = log.complaints
    assert error.rule == "canonical.assigned"
