"""The command credit-registry: one file a verb."""
