"""Mapping from the path of a field in a submission to its portfolio column, for error messages."""

from __future__ import annotations

__all__ = ["column_of"]

# Paths whose last part is not the name of the column.
_COLUMNS = {
    "identity": "id_number",
    "binding.subject": "id_number",
    "continues": "continues_record_id",
    "basis": "basis_reference",
    "basis.record": "basis_reference",
    "facts.debt": "contract",
    "facts.debt.debt_ref": "contract",
    "facts.notice": "notice_channel",
    "facts.notice.channel": "notice_channel",
    "facts.notice.sent_at": "notice_sent_at",
    "facts.notice.digest": "notice_digest",
    "facts.consent": "consent_form",
    "facts.consent.form": "consent_form",
    "facts.consent.date": "consent_date",
    "facts.consent.digest": "consent_digest",
    "facts.arrangement": "arrangement_agreed_on",
    "facts.amounts": "principal",
    "facts.applied": "principal",
    "facts.executed": "executed_principal",
    "facts.executed.currency": "currency",
}
# Parts whose columns begin with their name.
_PARTS = ("facts.executed.", "facts.arrangement.")
_PREFIXES = ("facts.amounts.", "facts.applied.", "facts.debt.", "facts.", "statement.", "name.")


def column_of(field: str) -> str:
    """Return the column that holds a field; the path itself where no column does."""
    if field in _COLUMNS:
        return _COLUMNS[field]
    if field.startswith(_PARTS):
        return field.removeprefix("facts.").replace(".", "_")
    prefix = next((known for known in _PREFIXES if field.startswith(known)), "")
    return field.removeprefix(prefix)
