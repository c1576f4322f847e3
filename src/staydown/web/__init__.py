"""The pages: one more face of the service. They hold no rules; what they do, they do over the API."""
