"""What happens around every call: who calls, what went wrong, how long it took."""
