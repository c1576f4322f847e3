"""The abuse report to a host, network or registrar: XARF v4."""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.xarf")
