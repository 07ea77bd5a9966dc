"""The numbers that the README quotes, each a ratio of two sides measured in one run on one machine."""
