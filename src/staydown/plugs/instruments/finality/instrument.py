"""Word that an order has become final; Regulation (EU) 2021/784, Art. 3(9)."""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.finality")
