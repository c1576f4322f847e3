"""Translations by language; English is the source (`python -m tools.messages` refreshes them)."""
