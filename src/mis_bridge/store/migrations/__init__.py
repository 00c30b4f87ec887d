"""Alembic's versions of the schema; run by ``store.migrate``."""
