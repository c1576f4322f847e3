"""The authority's clarification of an order; Regulation (EU) 2021/784, Art. 3(8)."""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.clarification")
