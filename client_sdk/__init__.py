"""What lenders and auditors install: it verifies every answer before it returns it."""
