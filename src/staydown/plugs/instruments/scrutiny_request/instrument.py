"""The request to scrutinise an order; Regulation (EU) 2021/784, Art. 4(4)."""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.scrutiny_request")
