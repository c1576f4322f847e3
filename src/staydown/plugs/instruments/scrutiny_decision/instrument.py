"""The decision on an order; Regulation (EU) 2021/784, Art. 4(3) to (6)."""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.scrutiny_decision")
