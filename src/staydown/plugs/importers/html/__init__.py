"""Pages saved by hand."""
