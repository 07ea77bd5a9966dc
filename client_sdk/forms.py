"""Forms of small things: ids, places of money, words, times, visible text, JSON, jurisdictions, addresses."""

from client_sdk._address import HostPort, host_port, is_this_machine
from client_sdk.kernel.formats.jurisdiction import Jurisdiction, jurisdiction
from client_sdk.kernel.formats.lasting_text import holds_long_number
from client_sdk.kernel.formats.moment import moment_text
from client_sdk.kernel.formats.plain import Json, Plain, plain
from client_sdk.kernel.formats.readable import Flaw, flaw_of
from client_sdk.kernel.formats.statement import INSTITUTION_ID, check_institution_id, check_record_id
from client_sdk.kernel.formats.words import Word
from client_sdk.kernel.rules.codes.currencies import MINOR_UNITS
from client_sdk.kernel.rules.dates import day_of, offset_of
from client_sdk.kernel.rules.minors import ADULT_YEARS, age_on
from client_sdk.kernel.rules.officer import MOST_NAME_DIGITS, digits_in
from client_sdk.kernel.rules.text import MAX_STATEMENT_CHARACTERS, one_line

__all__ = [
    "ADULT_YEARS",
    "INSTITUTION_ID",
    "MAX_STATEMENT_CHARACTERS",
    "MINOR_UNITS",
    "MOST_NAME_DIGITS",
    "Flaw",
    "HostPort",
    "Json",
    "Jurisdiction",
    "Plain",
    "Word",
    "age_on",
    "check_institution_id",
    "check_record_id",
    "day_of",
    "digits_in",
    "flaw_of",
    "holds_long_number",
    "host_port",
    "is_this_machine",
    "jurisdiction",
    "moment_text",
    "offset_of",
    "one_line",
    "plain",
]
