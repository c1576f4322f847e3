"""MISP events."""
