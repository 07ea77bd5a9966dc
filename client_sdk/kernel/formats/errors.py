"""Exceptions of the kernel's parsers and verifiers: malformed bytes, invalid proofs, invalid signatures.

CreditRegistryError          everything that the kernel and the SDK raise on purpose
└── FormatError              bytes are not the canonical form of anything
    ├── SignatureError       a signature does not verify, or no trusted key made one
    └── ProofError           a Merkle proof or a map proof does not lead to its root
"""

from __future__ import annotations

from client_sdk.kernel.formats.complaint import Complaining, Complaint

__all__ = ["CreditRegistryError", "FormatError", "ProofError", "SignatureError"]


class CreditRegistryError(Exception):
    """Root of everything that the SDK raises on purpose."""


class FormatError(Complaining, CreditRegistryError):
    """Bytes or values that the formats refuse.

    Args:
        part: which part of an evidence or a format is wrong, e.g. "checkpoint" or "inclusion proof"; the complaint's
            field.
        rule: short stable id of the broken rule, e.g. "note.signature-line".
        got: what was found, as a length or a count; never a key, an opening, a pseudonym or a fact.
        want: what the rule asks for.
    """

    def __init__(self, part: str, rule: str, *, got: str = "", want: str = "") -> None:
        # part and rule alone are `args`: the rest travels in __dict__, so that the error survives pickling.
        super().__init__(part, rule)
        self.complaint = Complaint("", part, rule, got, want)

    @property
    def part(self) -> str:
        """Which part of an evidence or a format is wrong."""
        return self.complaint.field


class SignatureError(FormatError):
    """A signature that does not verify, or a text that no trusted key has signed."""


class ProofError(FormatError):
    """A Merkle proof or a map proof that does not lead to its root."""
