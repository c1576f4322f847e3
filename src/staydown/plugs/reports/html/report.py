"""The figures as one HTML page for auditors, coordinators, journalists and courts.

The page stands alone: no script, no outside request, style and pictures inline, and a policy in its head
that forbids a browser anything else. It prints, reads on a telephone, and says EXERCISE wherever it is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from staydown.plugs.reports.html import pictures
from staydown.plugs.reports.html.definitions import KEY_FIGURES, figures_of
from staydown.plugs.reports.html.document import Document, read
from staydown.plugs.reports.html.tables import FEW, tables_of
from staydown.plugs.reports.html.words import Words, words_of


class HtmlReport:
    """Figures as one self-contained page."""

    name = "html"

    def render(self, figures: Mapping[str, object], *, language: str) -> bytes:
        """The whole report.

        Raises:
            Invalid: There is no such language, or a figure is missing.
            Outside: A picture cannot be drawn.
        """
        words = words_of(language)
        document = read(figures)
        shown = figures_of(document, words)
        page = (
            _environment(language)
            .get_template("page.jinja")
            .render(
                doc=document,
                words=words,
                figures=shown,
                key_figures=[shown[name] for name in KEY_FIGURES if name in shown],
                tables=tables_of(document, words),
                pictures=_pictures(figures, document, words),
                headline=headline(document, words),
                few=words.number(FEW),
                style=_style(),
            )
        )
        return page.encode()


def headline(document: Document, words: Words) -> str:
    """The whole report in one or two sentences."""
    counts = document.counts
    if not counts["items"]:
        return words.say("Nothing has been recorded yet.")
    came = words.say(
        "%(items)s from %(sightings)s by %(agencies)s.",
        items=words.many("%(n)s item", "%(n)s items", counts["items"]),
        sightings=words.many("%(n)s sighting", "%(n)s sightings", counts["sightings"]),
        agencies=words.many("%(n)s agency", "%(n)s agencies", len(document.agencies)),
    )
    if not counts["items_referred"] or document.share_offline is None:
        return f"{came} {words.say('Nothing has been referred to a provider yet.')}"
    asked = words.say(
        "Referred to providers: %(referred)s; verified offline: %(offline)s (%(share)s).",
        referred=words.number(counts["items_referred"]),
        offline=words.number(counts["verified_offline"]),
        share=words.share(document.share_offline),
    )
    return f"{came} {asked}"


def _pictures(
    figures: Mapping[str, object], document: Document, words: Words
) -> dict[str, tuple[Markup, Markup] | None]:
    """Each picture, wide and narrow; None where there is nothing to show."""
    wanted: dict[str, tuple[object, Callable[..., str]]] = {
        "states": (document.by_provider_and_state, pictures.by_provider_and_state),
        "days": (document.removals_by_day, pictures.removals_by_day),
        "hours": (pictures.quickest(document.hours_by_provider), pictures.hours_by_provider),
        "survival": (document.survival, pictures.survival),
    }
    return {
        name: (_svg(draw(figures, words)), _svg(draw(figures, words, narrow=True))) if there else None
        for name, (there, draw) in wanted.items()
    }


def _svg(text: str) -> Markup:
    """Pictures are ours, and their texts were escaped when they were drawn."""
    return Markup(text)  # noqa: S704


@cache
def _style() -> Markup:
    return Markup(files(__package__).joinpath("style.css").read_text(encoding="utf-8"))  # noqa: S704


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(  # type: ignore[attr-defined]  # the extension adds it
        words_of(language).translations, newstyle=True
    )
    return environment


REPORT = HtmlReport()
