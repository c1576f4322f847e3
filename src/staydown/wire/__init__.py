"""What travels between the API and its callers, as types that check themselves."""
