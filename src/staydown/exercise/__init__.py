"""The simulated world and its people: a face too, it acts only through the flow."""
