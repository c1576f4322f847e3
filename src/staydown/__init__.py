"""Staydown: from a sighting of terrorist propaganda to a verified removal, and it stays down."""

__version__ = "0.1.0"
