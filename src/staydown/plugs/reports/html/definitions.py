"""What each figure is called, what it counts, and the command that lists what it counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from staydown.plugs.reports.html.document import Document
from staydown.plugs.reports.html.words import N_, Words

Value = Callable[[Document, Words], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One figure, in the words of the source language."""

    label: str
    text: str
    command: str = ""  #: the figure whose list it shares; empty: its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure as it is shown."""

    name: str
    label: str
    value: str
    text: str
    command: str  #: empty where no list stands behind it


DEFINITIONS: Mapping[str, Definition] = {
    "items": Definition(
        label=N_("Items"),
        text=N_(
            "Distinct things. Whatever the spelling of its address and whoever saw it, a thing is one item."
        ),
    ),
    "sightings": Definition(
        label=N_("Sightings"),
        text=N_("Records of agencies: seen here, then, by us. A sighting is never changed or merged away."),
    ),
    "agency_items": Definition(
        label=N_("Items counted per agency"),
        text=N_("Each item once for every agency that saw it."),
        command="sightings",
    ),
    "duplicates": Definition(
        label=N_("Duplicates found"),
        text=N_(
            "Items counted per agency, less items: how often an agency brought what another brought too."
        ),
    ),
    "assessed": Definition(
        label=N_("Assessed"),
        text=N_("Items that a person has assessed at least once, with whatever verdict."),
    ),
    "matched": Definition(
        label=N_("Matched"),
        text=N_("Items with a match on a partner's list. A match suggests; it decides nothing."),
    ),
    "items_referred": Definition(
        label=N_("Referred"),
        text=N_("Items in at least one request that has left. A referral asks; the provider decides."),
    ),
    "verified_offline": Definition(
        label=N_("Verified offline"),
        text=N_(
            "Referred items that two checks, apart in time, found offline by the provider's own signs. Those that "
            "came back or were withdrawn later stay counted."
        ),
    ),
    "share_offline": Definition(
        label=N_("Share verified offline"),
        text=N_("Verified offline, of referred."),
        command="verified_offline",
    ),
    "median": Definition(
        label=N_("Median hours to removal"),
        text=N_(
            "From the provider's receipt of the first request (its dispatch, where receipt was not proved) to the "
            "check that completed the finding; half of the removals took no longer. Interpolated linearly."
        ),
        command="verified_offline",
    ),
    "p90": Definition(
        label=N_("90th percentile of hours"),
        text=N_("As the median; nine removals in ten took no longer."),
        command="verified_offline",
    ),
    "refused": Definition(
        label=N_("Refused"), text=N_("Items on which the provider has refused to act, and that stand so now.")
    ),
    "geo_blocked": Definition(
        label=N_("Geo-blocked or closed to us"),
        text=N_("Referred items that a check found closed to the place we look from, not verified offline."),
    ),
    "items_held": Definition(
        label=N_("Held"), text=N_("Items on which an agency has at some time asked the others to wait.")
    ),
    "holds": Definition(label=N_("Held now"), text=N_("Items on which such a hold is in force now.")),
    "exempt": Definition(
        label=N_("Exempt"),
        text=N_("Items found to serve journalism, research, art, education or counter-speech."),
    ),
    "unsure": Definition(
        label=N_("Unsure"),
        text=N_("Items about which a person was in doubt: they stop until assessed again."),
    ),
    "gone": Definition(
        label=N_("Gone before we asked"),
        text=N_("Items found offline before any request left. They are credited to nobody here."),
    ),
    "returned": Definition(
        label=N_("Returns confirmed"),
        text=N_("New items of which a person has confirmed that they are a removed item come back."),
    ),
    "reappeared": Definition(
        label=N_("Online again at the same address"),
        text=N_("Removed items that a later check found online at their own address."),
    ),
    "withdrawn": Definition(
        label=N_("Withdrawn"), text=N_("Items for which a request that had left was taken back as an error.")
    ),
    "reinstated": Definition(
        label=N_("Reinstated"), text=N_("Withdrawn items that a check found online again, as they should be.")
    ),
    "requests": Definition(
        label=N_("Requests"),
        text=N_("What was asked of one provider at a time, in whatever state it is now."),
    ),
    "dispatches": Definition(label=N_("Dispatches"), text=N_("Attempts to deliver a request.")),
    "repeats": Definition(
        label=N_("Marked repeats"),
        text=N_(
            "Dispatches marked as a possible repeat of one that may have arrived. A repeat keeps its reference and "
            "starts no second clock."
        ),
    ),
    "clocks_running": Definition(label=N_("Clocks running"), text=N_("Periods that are not over.")),
    "clocks_missed": Definition(
        label=N_("Our clocks missed"),
        text=N_("Duties of the agencies themselves that were not done in time."),
    ),
    "clocks_lapsed": Definition(
        label=N_("Providers' clocks lapsed"),
        text=N_("Periods for a provider that ended before it acted or answered."),
    ),
}
"""Every figure of the report, in the order of the path."""

KEY_FIGURES = (
    "items",
    "duplicates",
    "items_referred",
    "verified_offline",
    "share_offline",
    "median",
    "refused",
    "geo_blocked",
    "returned",
    "withdrawn",
    "clocks_missed",
    "clocks_lapsed",
)
"""The figures that stand on top."""


def figures_of(document: Document, words: Words) -> dict[str, Figure]:
    """Every figure of the report by its name."""
    values = values_of(document, words)
    return {
        name: Figure(
            name=name,
            label=words.say(definition.label),
            value=values[name],
            text=words.say(definition.text),
            command=document.commands.get(definition.command or name, ""),
        )
        for name, definition in DEFINITIONS.items()
        if name in values
    }


def values_of(document: Document, words: Words) -> dict[str, str]:
    """Each figure as the language writes it."""
    whole = {
        **document.counts,
        **document.clocks,
        **document.dispatches,
        "requests": sum(document.requests.values()),
    }
    values = {name: words.number(n) for name, n in whole.items()}
    none = words.say("none")
    values["share_offline"] = none if document.share_offline is None else words.share(document.share_offline)
    values["median"] = none if document.hours.median is None else words.hours(document.hours.median)
    values["p90"] = none if document.hours.p90 is None else words.hours(document.hours.p90)
    return values
