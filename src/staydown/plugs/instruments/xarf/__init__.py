"""The abuse report to a host, network or registrar: XARF v4."""
