"""The withdrawal of a request."""
