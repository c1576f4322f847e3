"""The statement of reasons for the Commission's data base, Article 24(5) of Regulation (EU) 2022/2065."""

from __future__ import annotations

from staydown.reason.formread import DataForm

INSTRUMENT = DataForm("staydown.plugs.instruments.dsa_statement")
