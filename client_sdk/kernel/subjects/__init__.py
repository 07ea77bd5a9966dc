"""Identity numbers in canonical form, and the pseudonyms that stand for them."""
