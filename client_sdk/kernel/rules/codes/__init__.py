"""Code lists as data: one module a list, each with its source and its date, so that a change is one line."""
