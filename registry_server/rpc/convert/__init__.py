"""Protocol messages to domain values and back."""
