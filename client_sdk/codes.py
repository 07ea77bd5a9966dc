"""Code lists for days past due in the terms of other systems, decoded as of a date.

code_of(45, "china-m", date(2026, 3, 1))        "M2"
days_of("M2", "china-m", date(2026, 3, 1))      DayRange(least=31, most=60)
"""

from client_sdk.kernel.rules.codes.crosswalk import CodeList, DayRange, Edition, code_lists, code_of, days_of

__all__ = ["CodeList", "DayRange", "Edition", "code_lists", "code_of", "days_of"]
