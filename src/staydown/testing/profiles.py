"""The nine simulated providers: what differs between them, as data.

Their rooms (`plugs/providers/sim_*/provider.toml`) say the same from the other side: which addresses are
theirs and how their "gone" is to be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

DOMAIN = "exercise.example"
GoneBy = Literal["status", "notice", "front", "removed_page", "closed_wall", "suspended", "region", "parked"]
BlockedBy = Literal["status", "wall", "region"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One simulated provider."""

    name: str
    title: str
    courier: Literal["api", "webform", "mail"]
    gone_by: GoneBy  #: how it shows that something was taken down
    gone_status: int = 404
    blocked_by: BlockedBy = "status"  #: how it shows that something is not for us
    blocked_status: int = 403
    missing_status: int = 404  #: for what never was
    extra_hosts: tuple[str, ...] = ()
    sites: bool = False  #: the name of a thing stands in the host
    mail_host: str = ""
    page_delay_s: float = 0.0  #: before every page
    intake_delay_s: float = 0.0  #: before every intake is confirmed

    @property
    def host(self) -> str:
        """Its main host."""
        return f"{self.name}.{DOMAIN}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """All its hosts on the web, with `*.` for hosts that carry a name."""
        wild = (f"*.{self.host}",) if self.sites else ()
        return (self.host, *(f"{extra}.{DOMAIN}" for extra in self.extra_hosts), *wild)

    @property
    def intake_path(self) -> str:
        """Where it takes requests over the web; empty where it takes mail."""
        return {"api": "/referrals", "webform": "/report", "mail": ""}[self.courier]


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="flock", title="Flock", courier="api", gone_by="status", gone_status=404,
            extra_hosts=("m.flock", "api.flock"),
        ),
        Profile(
            name="reel", title="Reel", courier="api", gone_by="status", gone_status=410,
            extra_hosts=("m.reel", "go.reel", "api.reel"),
        ),
        Profile(
            name="hearth", title="Hearth", courier="mail", gone_by="notice", blocked_status=451,
            mail_host=f"mail.hearth.{DOMAIN}",
        ),
        Profile(
            name="parcel", title="Parcel", courier="mail", gone_by="front", mail_host=f"mail.parcel.{DOMAIN}",
        ),
        Profile(name="quill", title="Quill", courier="webform", gone_by="removed_page", blocked_status=401),
        Profile(
            name="tortoise", title="Tortoise", courier="webform", gone_by="closed_wall", blocked_by="wall",
            page_delay_s=0.01, intake_delay_s=0.1,
        ),
        Profile(name="bastion", title="Bastion", courier="webform", gone_by="suspended"),
        Profile(
            name="lagoon", title="Lagoon", courier="mail", gone_by="region", blocked_by="region",
            mail_host=f"mail.lagoon.{DOMAIN}",
        ),
        Profile(
            name="barehost", title="Barehost", courier="mail", gone_by="parked", sites=True, blocked_status=451,
            mail_host=f"mail.registrar.{DOMAIN}",
        ),
    )
}  # fmt: skip
"""All nine, by name."""
