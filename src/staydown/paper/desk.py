"""The desk where forms are put on paper: the port `Paper`, on typst and pyHanko."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from staydown.core.errors import Invalid, NotFound, Refused
from staydown.paper import opening
from staydown.paper.sameness import is_same
from staydown.ports.paper import FormPlug, ReadSheet, Sheet, SignatureFinding
from staydown.reason.formcheck import Checked, check
from staydown.reason.formfile import Form
from staydown.reason.formlayout import lay_out
from staydown.reason.formtext import as_json, text_of

if TYPE_CHECKING:
    from staydown.paper.keys import Keys


class PaperDesk:
    """Makes, signs and reads legal forms on paper.

    Args:
        forms: The forms, by name.
        keys: Whose keys sign and whose roots are trusted; None where nothing is signed.
    """

    def __init__(self, forms: Mapping[str, FormPlug], keys: Keys | None = None) -> None:
        self._forms = forms
        self._keys = keys

    def form(self, name: str) -> Form:
        """A form.

        Raises:
            NotFound: No such form.
        """
        if name not in self._forms:
            import difflib

            near = difflib.get_close_matches(name[:80], self._forms, n=1)
            guess = f"Did you mean {near[0]!r}? " if near else ""
            raise NotFound(
                f"there is no form {name[:80]!r}", hint=f"{guess}There is: {', '.join(sorted(self._forms))}."
            )
        return self._forms[name].form

    def check(self, form: str, values: object) -> Checked:
        """What is missing or wrong.

        Raises:
            NotFound: No such form.
        """
        return check(self.form(form), values)

    def render(
        self,
        form: str,
        values: Mapping[str, object],
        *,
        language: str,
        draft: bool = True,
        exercise: bool = False,
    ) -> Sheet:
        """Render a form as PDF, JSON and text.

        Raises:
            NotFound: No such form.
            Refused: The form does not exist in the language, or is not a draft and not complete.
            Invalid: It cannot be set.
        """
        from staydown.paper.rendering import render

        found = self.form(form)
        checked = check(found, values)
        if not draft and not checked.complete:
            first = [*checked.errors, *(f"{key}: is missing" for key in checked.missing)][0]
            raise Refused(
                f"the form {form} is not complete: {first}",
                hint="Fill it in and check it again, or render it as a draft.",
            )
        laid = lay_out(found, checked, language, draft=draft, exercise=exercise)
        body = as_json(found, checked)
        about: dict[str, object] = {
            "form": found.name, "version": found.version, "language": language, "draft": draft, "exercise": exercise,
        }  # fmt: skip
        return Sheet(
            form=found.name,
            version=found.version,
            language=language,
            draft=draft,
            exercise=exercise,
            checked=checked,
            pdf=render(laid, body, about, dated=_dated(found, checked)),
            json=body,
            text=text_of(laid),
        )

    def sign(self, pdf: bytes, *, agency: str, at: datetime) -> bytes:
        """The PDF with the agency's signature (PAdES) and a time stamp (RFC 3161) added.

        Raises:
            Refused: It says DRAFT, or is no form of ours.
            Invalid: There is no key, or the settings name none.
            Outside: The key store or the time-stamp authority does not answer.
        """
        from staydown.paper.signing import sign

        if self._keys is None:
            raise Refused("nothing is signed here", hint="Sign in a home: it has the keys.")
        return sign(pdf, self._keys.signer(agency, at), self._keys.stamper(at), at=at)

    def verify(self, pdf: bytes, *, roots: bytes | None = None) -> tuple[SignatureFinding, ...]:
        """What is found about every signature.

        Raises:
            Invalid: That is no PDF.
        """
        from staydown.paper.verifying import verify

        if roots is None:
            roots = self._keys.roots() if self._keys else b""
        return verify(pdf, roots)

    def read(self, pdf: bytes, *, roots: bytes | None = None) -> ReadSheet:
        """The values attached to a PDF of ours, and what is found about its signatures.

        Raises:
            Invalid: That is no PDF, or none of ours.
            NotFound: It holds a form that is not known here.
        """
        about, values = opening.sheet_in(pdf)
        form = self.form(str(about.get("form", "")))
        return ReadSheet(
            form=form.name,
            version=str(values.get("version", about.get("version", form.version))),
            language=str(about.get("language", "")),
            draft=about.get("draft") is not False,
            exercise=about.get("exercise") is True,
            values={
                key: value for key, value in values.items() if form.bare or key not in {"form", "version"}
            },
            checked=check(form, values),
            same_on_paper=self._is_printed(form, about, values, pdf),
            signed=self.verify(pdf, roots=roots),
        )

    def _is_printed(
        self, form: Form, about: Mapping[str, object], values: Mapping[str, object], pdf: bytes
    ) -> bool:
        """Whether the pages are what the values give: whoever prints one thing and attaches another is found out."""
        try:
            again = self.render(
                form.name,
                values,
                language=str(about.get("language", "")),
                draft=about.get("draft") is not False,
                exercise=about.get("exercise") is True,
            )
        except (Invalid, Refused):
            return False
        return is_same(pdf, again.pdf)


def _dated(form: Form, checked: Checked) -> datetime | None:
    """The instant the document is dated with: that of the field which dates it, where it is right."""
    value = checked.values.get(form.dated)
    if not isinstance(value, str) or form.dated in checked.wrong:
        return None
    found = datetime.fromisoformat(value.upper())
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found if 1970 <= found.year <= 9998 else None
