"""The removal order: it binds its addressee to act within one hour of receipt.

Source: Regulation (EU) 2021/784, Art. 3(4) and Annex I.
"""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.tco_annex_1")
