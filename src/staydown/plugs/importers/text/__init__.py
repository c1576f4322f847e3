"""Addresses in running text."""
