"""Word to the issuing authority of an intended finding; Regulation (EU) 2021/784, Art. 4(5)."""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.scrutiny_pre_notice")
