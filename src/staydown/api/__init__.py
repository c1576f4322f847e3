"""The API: one more face of the flow. It holds no rules."""
