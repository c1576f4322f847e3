"""STIX 2.1 bundles."""
