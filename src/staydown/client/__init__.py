"""A typed client of the API: what the routes give, as the same types; what they refuse, as the same errors."""

from staydown.client.client import Client

__all__ = ["Client"]
