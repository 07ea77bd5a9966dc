"""The evaluator of blinded identity numbers: a program of its own, run by somebody else."""
