"""A means of delivery."""
