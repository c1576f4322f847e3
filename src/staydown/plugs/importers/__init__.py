"""Readers of files: one folder, one format."""
