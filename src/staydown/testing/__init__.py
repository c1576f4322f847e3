"""For authors of plugs: nine simulated providers on loopback, and a world in memory for them to show."""
