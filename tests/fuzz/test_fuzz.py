"""What the fuzzers have found stays mended, and a small run of them finds nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.calls import Outcome, fuzz, methods
from tests.fuzz.mutation import changed_bytes, changed_message
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
MESSAGES = 400
CHANGES = 300


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_stands_what_is_in_the_corpus(name: str) -> None:
    target = TARGETS[name]
    for data in [*target.seeds, *(path.read_bytes() for path in sorted((CORPUS / name).glob("*")))]:
        target.check(data)


def test_every_folder_of_the_corpus_belongs_to_a_parser() -> None:
    assert {path.name for path in CORPUS.iterdir()} <= set(TARGETS)


def test_a_live_registry_stands_changed_messages(tmp_path: Path) -> None:
    outcome = fuzz(MESSAGES, seed=1, folder=tmp_path / "site")
    assert outcome.fine, outcome
    assert outcome.messages == MESSAGES
    assert outcome.unreached == []
    # Some were changed so little that they are served.
    assert outcome.codes["OK"]
    assert outcome.codes["INVALID_ARGUMENT"]


def test_a_server_that_keeps_the_memory_or_a_method_that_is_left_out_is_found() -> None:
    fine = Outcome(1_000_000, 0, 0, 12, [], Counter(OK=1_000_000), [])
    assert fine.fine
    for found in ({"internal": 1}, {"crashes": 1}, {"rss_growth_mb": 2_000}, {"unreached": ["/a/B"]}):
        assert not fine._replace(**found).fine


def test_every_kind_of_request_can_be_changed_and_is_still_a_message() -> None:
    random = Random(1)
    for method in methods():
        request = method.request()
        for _ in range(CHANGES):
            changed_message(random, request, [b"piece"])
        assert type(request).FromString(request.SerializeToString()) == request
        assert isinstance(changed_bytes(random, request.SerializeToString(), []), bytes)
