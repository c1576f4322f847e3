"""The law as dated values with their source; pure."""
