"""The decision to keep an order from the content provider; Regulation (EU) 2021/784, Art. 11(3)."""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.non_disclosure")
