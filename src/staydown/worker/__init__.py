"""A worker: takes due work by lease and calls the verb that does it."""
