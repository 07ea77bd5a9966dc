"""The numbers that the README quotes, one command each."""
