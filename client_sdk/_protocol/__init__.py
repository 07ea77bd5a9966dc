"""Requests as they are signed, and answers as they are verified; neither channels nor files."""
