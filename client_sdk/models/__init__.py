"""The frozen values that the client takes and returns."""
