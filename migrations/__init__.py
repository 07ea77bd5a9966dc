"""Alembic migrations of the registry's database. They import nothing of the application."""
