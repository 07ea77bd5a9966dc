"""Forks: proofs that the log's key has signed two histories, as two branches; checkpoints held against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.checkpoints import Contradiction, read_cosigned
from client_sdk.desk.audit_pictures import draw_fork
from client_sdk.desk.form_values import FieldError, file_of_form
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import FormatError, RollbackError, VerificationError
from client_sdk.following import NewestCheckpoint, keep_contradiction, kept_contradictions
from client_sdk.verification import is_contradiction, verify_contradiction
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from starlette.responses import Response

    from client_sdk.checkpoints import SignedCheckpoint
    from client_sdk.desk.audit_pictures import ForkDrawing

__all__ = ["PAGES"]

_MOST_PROOFS = 20
_FORM_BYTES = 256 * 1024


class _ShownFork:
    """A proof, for the template: file, picture, what it proves in words."""

    def __init__(self, visit: Visit, file: str, proof: Contradiction) -> None:
        first, second = proof.first.checkpoint, proof.second.checkpoint
        self.file = file
        self.drawing: ForkDrawing = draw_fork(proof)
        self.ends = ((f"{first.size:,}", first.root.hex()), (f"{second.size:,}", second.root.hex()))
        if first.size == second.size:
            text = N_("The key of {origin} has signed two trees of {size} leaves.")
        else:
            text = N_("The key of {origin} has signed a tree of {size} leaves, and a larger one that begins otherwise.")
        size = self.ends[0][0]
        self.proves = visit.say(text, origin=first.origin, size=size)


def _forks(visit: Visit) -> Response:
    return _shown(visit, {}, "")


def _shown(visit: Visit, wrong: dict[str, str], told: str) -> Response:
    config = visit.desk.config
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_FORK):
        root = config.trust_root()
        files = kept_contradictions(config.state_folder)
        shown = [
            _ShownFork(visit, file.name, verify_contradiction(read_whole(file), root)) for file in files[:_MOST_PROOFS]
        ]
    return visit.show(
        "forks.html.j2",
        status=422 if wrong else 200,
        forks=shown,
        more=max(0, len(files) - _MOST_PROOFS),
        wrong=wrong,
        told=told,
    )


def _compare(visit: Visit) -> Response:
    """Take a proof, or hold two checkpoints against each other; what proves a fork is kept in the home."""
    try:
        given = file_of_form(visit.form, "first", N_("Choose a file: a checkpoint or a proof of misbehaviour."))
        with visit.desk.journal.act(visit.user.name, DeskAct.COMPARE):
            told = _taken(visit, given) if is_contradiction(given) else _compared(visit, given)
    except FieldError as error:
        return _shown(visit, error.said(visit.say), "")
    return _shown(visit, {}, visit.say(told))


def _taken(visit: Visit, data: bytes) -> str:
    """Keep a proof that another member handed over, once it verifies."""
    config = visit.desk.config
    try:
        verify_contradiction(data, config.trust_root())
    except VerificationError:
        raise FieldError("first", N_("This file proves nothing of this log: ask for it again.")) from None
    keep_contradiction(config.state_folder, data)
    return N_("The proof verifies, and is kept: it is shown below.")


def _compared(visit: Visit, data: bytes) -> str:
    config = visit.desk.config
    one, second = _read(visit, "first", data), visit.form.file("second")
    other = _read(visit, "second", second) if second else _own(visit)
    before, after = sorted((one, other), key=lambda signed: signed.checkpoint.size)
    if before.checkpoint == after.checkpoint:
        return N_("One log: the checkpoints are the same.")
    if before.checkpoint.size == after.checkpoint.size:
        proof = Contradiction.of(before, after)
        keep_contradiction(config.state_folder, proof.encode())
        return N_("Two histories: the proof is shown below.")
    try:
        visit.desk.client.connect(before.raw, after.raw)
    except RollbackError as error:
        kept = getattr(error, "kept", None)
        if kept is not None and is_contradiction(read_whole(kept)):
            return N_("Two histories: the proof is shown below.")
        return N_("Not one log, and not proved: keep both files, and ask the other auditors what they were shown.")
    return N_("One log: the smaller checkpoint is the beginning of the larger one.")


def _read(visit: Visit, field: str, data: bytes) -> SignedCheckpoint:
    try:
        return read_cosigned(data, visit.desk.config.trust_root().log_key).signed
    except FormatError:
        text = N_("This is no checkpoint of this log: `credit-registry checkpoint save` writes one.")
        raise FieldError(field, text) from None


def _own(visit: Visit) -> SignedCheckpoint:
    config = visit.desk.config
    known = NewestCheckpoint(config.state_folder / "checkpoint", config.trust_root().log_key).read()
    if known is None:
        raise FieldError("second", N_("This home has verified no checkpoint yet: choose a second file."))
    return known


PAGES = (
    DeskPage("GET", "/forks", Right.READ, _forks),
    DeskPage("POST", "/forks", Right.ACT, _compare, _FORM_BYTES),
)
