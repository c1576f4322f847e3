"""The command line: turns what a person asks into one call of the flow; holds no rules."""
