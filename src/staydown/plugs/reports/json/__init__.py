"""Figures as JSON."""
