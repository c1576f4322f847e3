"""A page that stands alone."""
