"""The plain alternative: what one would write without proofs, for comparison."""
