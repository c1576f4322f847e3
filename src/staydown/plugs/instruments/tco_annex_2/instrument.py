"""The provider's feedback after removal, Annex II to Regulation (EU) 2021/784."""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.tco_annex_2")
