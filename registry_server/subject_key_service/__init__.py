"""The evaluator of blinded identity numbers: a separate program, run by another operator than the registry."""
