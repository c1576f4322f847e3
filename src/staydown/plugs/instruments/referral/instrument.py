"""The voluntary referral: it asks a provider to check items against its own terms, and binds nobody.

Source: Regulation (EU) 2021/784, recital 40; Regulation (EU) 2016/794, Art. 4(1)(m); Recommendation (EU) 2018/334.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files

from staydown.core.ids import ItemId
from staydown.core.request import Line, line_digest
from staydown.core.time import iso
from staydown.ports import Rendered
from staydown.reason.formread import DataForm

DEFAULT = "en"


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    text = files(__package__).joinpath("texts.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


class Referral(DataForm):
    """The form as data, and the letter with lines that a batch of items leaves as, in the languages of texts.toml."""

    def _words(self, language: str) -> Mapping[str, str]:
        return _texts().get(language, _texts()[DEFAULT])

    def render(
        self,
        *,
        reference: str,
        agency: str,
        addressee: str,
        language: str,
        lines: Sequence[tuple[int, int, str, str]],
        issued_at: datetime,
        exercise: bool,
    ) -> Rendered:
        """The text that will leave; `lines` are (item id, number, address, ground)."""
        words = self._words(language)
        filled = {
            "agency": agency,
            "addressee": addressee,
            "reference": reference,
            "issued_at": iso(issued_at),
        }
        grounds = sorted({ground for *_, ground in lines})
        body = [words["exercise"]] if exercise else []
        body.append(words["cover"].format(**filled).strip())
        body += [f"({ground}) {words[f'ground_{ground}']}" for ground in grounds]
        body.append(words["closing"].format(**filled).strip())
        subject = words["subject"].format(**filled)
        return Rendered(
            subject=f"{words['exercise_mark']} {subject}" if exercise else subject,
            cover="\n\n".join(body) + "\n",
            lines=tuple(
                Line(
                    item=ItemId(item),
                    number=number,
                    address=address,
                    digest=line_digest(number, address, ground),
                )
                for item, number, address, ground in lines
            ),
        )

    def withdrawal(
        self, *, reference: str, agency: str, addressee: str, language: str, reason: str, exercise: bool
    ) -> str:
        """The text that takes the request back."""
        words = self._words(language)
        text = words["withdrawal"].format(agency=agency, addressee=addressee, reference=reference).strip()
        head = f"{words['exercise']}\n\n" if exercise else ""
        return f"{head}{text}\n\n{reason.strip()}\n"


INSTRUMENT = Referral("staydown.plugs.instruments.referral")
