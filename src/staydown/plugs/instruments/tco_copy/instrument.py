"""The copy of an order to the authority of establishment; Regulation (EU) 2021/784, Art. 4(1)."""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.tco_copy")
