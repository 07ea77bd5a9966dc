"""The kernel: pure functions from bytes and values to values, shared by the SDK, the servers and the audit.

No file, socket, clock or environment. ``formats`` turns bytes into values and back, ``rules`` says what facts must
satisfy, ``subjects`` handles identity numbers and pseudonyms, ``ledger`` says what the log means.
"""
