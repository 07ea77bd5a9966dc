"""A person's own report on paper: Chinese and English, as HTML and PDF, beside the evidence that proves it."""

from client_sdk.subject_report.writing import Format, check_folder, write_report
from client_sdk.texts import Language

__all__ = ["Format", "Language", "check_folder", "write_report"]
