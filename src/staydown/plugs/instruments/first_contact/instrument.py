"""First-contact information, at least twelve hours before a first order; Regulation (EU) 2021/784, Art. 3(2)."""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.first_contact")
