"""The verbs of ``credit-registry``, one module a verb."""
