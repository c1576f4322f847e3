"""The one guarded way out to the network."""

from staydown.fetch.client import GuardedFetch
from staydown.fetch.guard import Guard, Policy

__all__ = ["Guard", "GuardedFetch", "Policy"]
