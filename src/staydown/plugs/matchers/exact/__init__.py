"""Equal bytes."""
