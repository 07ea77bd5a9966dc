"""``act``: what administrators decide together."""
