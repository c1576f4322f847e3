"""An abuse report leaves for a bare host, and what travels is the standard's own JSON, without a key of ours."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
import xarf
from referencing.jsonschema import DRAFT202012

from ordering import LONG, OFFICE, SAID, consented, drawn, ready, settle_in
from staydown.core.errors import Invalid, Refused, SameEyes, StaydownError
from staydown.core.order import PaperName
from staydown.core.request import Request
from staydown.core.states import RequestState
from staydown.law.matter import ABUSE_REPORT
from staydown.testing.memory import MemoryWorld
from staydown.testing.simulated import Servers
from staydown.testing.world import Arrival, Page
from support import ALICE, ANNA, BOB, SAM, Desk

REGISTRAR = "desk@mail.registrar.exercise.example"


def schema(name: str) -> jsonschema.Draft202012Validator:
    """One of the schemas that the published package carries."""
    folder = resources.files(xarf) / "schemas"
    core = json.loads((folder / "xarf-core.json").read_text())
    base = json.loads((folder / "types" / "content-base.json").read_text())
    held = [(one["$id"], DRAFT202012.create_resource(one)) for one in (core, base)]
    registry: Any = referencing.Registry().with_resources(held)
    return jsonschema.Draft202012Validator(
        {"core": core, "base": base}[name], registry=registry, format_checker=jsonschema.FormatChecker()
    )


@dataclass
class Host:
    """A desk beside a bare host whose mail is read."""

    desk: Desk
    arrivals: list[Arrival]

    def site(self, name: str) -> str:
        """Put a site into the world; gives its address."""
        self.desk.world.pages["barehost", f"/{name}/"] = Page(
            presence="online", kind="site", handle=name, name=name, text="made up"
        )
        return f"https://{name}.barehost.exercise.example/"

    def report(self, name: str, **more: object) -> Request:
        """A report about a site, drawn up."""
        items = ready(self.desk, self.site(name))
        return drawn(self.desk, items, said=SAID, instrument=ABUSE_REPORT, **more).request


@pytest.fixture
def host(tmp_path: Path, database: str | None) -> Iterator[Host]:
    world, arrivals = MemoryWorld(), []
    with Servers(world, watcher=arrivals.append) as servers:
        desk = Desk(tmp_path / "home", world, servers, database=database)
        settle_in(desk)
        yield Host(desk, arrivals)
        desk.close()


def test_a_report_leaves_after_two_persons_and_holds_the_standards_own_json(host: Host) -> None:
    request = host.report("some-site")
    assert (request.courier, request.contact_point, request.binding) == ("mail", REGISTRAR, False)
    host.desk.work()
    assert not host.arrivals, "nobody has approved it"
    consented(host.desk, request)
    host.desk.work()
    assert host.desk.request(request.id).state is RequestState.DISPATCHED

    (arrival,) = host.arrivals
    assert (arrival.provider, arrival.via, arrival.reference) == ("barehost", "mail", request.reference)
    files = dict(arrival.files)
    assert files[f"{request.reference}.pdf"].startswith(b"%PDF-")
    assert "some-site.barehost.exercise.example" in arrival.text, "a person can read it without a parser"
    report = json.loads(files[f"{request.reference}.json"])
    schema("core").validate(report)
    schema("base").validate(report)
    known = {name for each in ("core", "base") for name in _properties(schema(each).schema)}
    assert set(report) <= known - {"_internal"}
    assert (report["url"], report["domain"]) == (
        "https://some-site.barehost.exercise.example/",
        "some-site.barehost.exercise.example",
    )
    office = {"org": "Made-up Referral Unit", "contact": "unit@agency.example", "domain": "agency.example"}
    assert report["reporter"] == report["sender"] == office
    assert report["description"].startswith(LONG)


def _properties(one: Any) -> set[str]:
    found = set(one.get("properties", {}))
    return found.union(*(_properties(part) for part in one.get("allOf", [])))


def test_evidence_is_the_hashes_of_what_is_kept_and_never_the_material(host: Host) -> None:
    request = host.report("some-site")
    with host.desk.store.begin(write=False) as work:
        paper = work.papers.one(request.id, PaperName.JSON)
        item = work.requests.lines([request.id])[request.id][0].line.item
        kept = [one.capture for one in work.kept.of(item)]
        secret = host.desk.app.vault.get(kept[0].sha256)
    assert paper is not None
    (evidence,) = json.loads(paper.body)["evidence"]
    body = base64.b64decode(evidence["payload"], validate=True)
    assert evidence["hash"] == f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert [line.split()[0] for line in body.decode().splitlines()] == [
        f"sha256:{one.sha256}" for one in kept
    ]
    assert secret
    assert base64.b64encode(secret) not in paper.body
    assert secret not in paper.body


def test_an_office_without_a_public_mail_domain_is_told_so(host: Host) -> None:
    with host.desk.store.begin() as work:
        work.offices.set(replace(OFFICE, email="unit@intranet"), by=SAM.id)
    with pytest.raises(Invalid, match="unit@intranet") as told:
        host.report("some-site")
    assert "staydown office set" in told.value.hint


def test_one_report_is_about_one_incident(host: Host) -> None:
    items = ready(host.desk, host.site("one-site"), host.site("other-site"))
    with pytest.raises(Refused, match="one incident"):
        drawn(host.desk, items, said=SAID, instrument=ABUSE_REPORT)
    for item in items:
        drawn(host.desk, [item], said=SAID, instrument=ABUSE_REPORT)


def test_who_drew_it_up_does_not_approve_it(host: Host) -> None:
    request = host.report("some-site", by=ANNA)
    for who in (ANNA, ALICE, SAM):
        with pytest.raises((SameEyes, StaydownError)):
            consented(host.desk, request, by=who)
    assert host.desk.request(request.id).state is RequestState.PROPOSED
    consented(host.desk, request, by=BOB)
    assert host.desk.request(request.id).state is RequestState.APPROVED
