"""office: what stands on an agency's forms, and the authorities of states; a changed address takes two persons."""

from __future__ import annotations

from collections.abc import Mapping

from staydown.core.errors import Invalid, NotFound
from staydown.core.ids import AgencyCode
from staydown.core.order import Authority, Competence, Office, Task
from staydown.core.people import Person
from staydown.core.rights import RIGHTS, Relation, Verb
from staydown.core.text import clean
from staydown.law.holidays import ZONES
from staydown.law.states import EEA, EU, LANGUAGES
from staydown.ports.tools import Tools
from staydown.ports.work import Work
from staydown.reason.formfile import Kind
from staydown.reason.formvalues import why_not

KINDS = ("judicial", "law_enforcement", "other")
LONGEST, LONGEST_CONTACT = 2000, 500


def read_office(agency: AgencyCode, found: Mapping[str, object]) -> Office:
    """An office from the fields that a person wrote.

    Raises:
        Invalid: An unknown field, one of another type, or a word that does not exist.
    """
    known = set(Office.__dataclass_fields__) - {"agency"}
    if strange := sorted(set(found) - known):
        raise Invalid(f"unknown: {', '.join(strange)}", hint=f"Known are {', '.join(sorted(known))}.")
    if lacking := [name for name in ("state", "kind", "name") if not found.get(name)]:
        raise Invalid(f"an office needs {', '.join(lacking)}")
    read: dict[str, object] = {}
    for name, value in found.items():
        if name == "competences":
            read[name] = _competences(value)
        elif name == "redress_days":
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 3650:
                raise Invalid("redress_days has to be a whole number of days, 0 where it is not known")
            read[name] = value
        elif not isinstance(value, str) or len(value) > LONGEST:
            raise Invalid(f"{name} has to be a text of at most {LONGEST} characters")
        else:
            read[name] = clean(value).strip()
    office = Office(agency=agency, **read)  # type: ignore[arg-type]
    _require(office)
    return office


def _competences(value: object) -> frozenset[Competence]:
    if not isinstance(value, list):
        raise Invalid("competences has to be a list", hint=f"Of {', '.join(Competence)}.")
    try:
        return frozenset(Competence(one) for one in value)
    except ValueError as error:
        raise Invalid(str(error), hint=f"Known are {', '.join(Competence)}.") from error


def _require(office: Office) -> None:
    if office.kind not in KINDS:
        raise Invalid(f"kind has to be one of {', '.join(KINDS)} (Annex I, section E)")
    if office.state not in ZONES:
        raise Invalid(
            f"{office.state[:20]!r} is no state whose law and calendar we know",
            hint=f"Write two capital letters, one of {', '.join(sorted(ZONES))}.",
        )
    if office.competences & {Competence.TCO_ISSUE, Competence.TCO_SCRUTINISE} and office.state not in EU:
        raise Invalid(
            f"{office.state} is no Member State: its authorities issue and scrutinise no removal orders"
            " (Regulation (EU) 2021/784, Art. 12(1))"
        )
    for name, kind in (("email", Kind.EMAIL), ("redress_law", Kind.WEBLINK)):
        value = str(getattr(office, name))
        if value and (why := why_not(kind, value)):
            raise Invalid(f"{name}: {why}")


def set_office(work: Work, person: Person, office: Office) -> None:
    """Set what stands on the forms of the person's agency.

    Raises:
        NotEntitled: The person is neither administrator nor signatory there.
    """
    person.require(Verb.SET_OFFICE, within=office.agency)
    work.offices.set(office, by=person.id)
    detail = {
        "by": person.id,
        "competences": sorted(one.value for one in office.competences),
        "state": office.state,
    }
    work.ledger.append("agency:office:set", f"agency:{office.agency}", detail)


def propose_authority(
    tools: Tools,
    work: Work,
    person: Person,
    *,
    state: str,
    task: str,
    name: str,
    contact_point: str,
    courier: str,
    language: str,
) -> int:
    """Name the competent authority of a state; its address is used once a second person has confirmed it.

    Raises:
        NotEntitled: The person may not.
        Invalid: There is no such state or task, or something is empty.
        NotFound: There is no such courier.
    """
    person.require(Verb.SET_AUTHORITY)
    state = state.upper()
    if state not in EEA:
        raise Invalid(f"{state[:10]!r} is no state of the European Economic Area")
    if task not in set(Task):
        raise Invalid(f"{task[:40]!r} is no task of an authority", hint=f"There is: {', '.join(Task)}.")
    if not name.strip() or not contact_point.strip():
        raise Invalid("an authority has a name and an address")
    if courier not in tools.couriers:
        raise NotFound(
            f"there is no courier {courier[:40]!r}", hint=f"There is: {', '.join(sorted(tools.couriers))}."
        )
    _require_way(tools, courier, contact_point.strip())
    if language not in LANGUAGES:
        raise Invalid(
            f"{language[:20]!r} is no language", hint="Write two small letters of ISO 639-1, such as nl."
        )
    number = work.offices.propose(
        Authority(
            id=0,
            agency=person.agency,
            state=state,
            task=Task(task),
            name=clean(name).strip()[:200],
            contact_point=contact_point.strip(),
            courier=courier,
            language=language,
            by=person.id,
        )
    )
    detail = {"by": person.id, "contact_point": contact_point.strip(), "state": state, "task": task}
    work.ledger.append("authority:address:proposed", f"authority:{number}", detail)
    return number


def _require_way(tools: Tools, courier: str, contact_point: str) -> None:
    """Refuse a contact point at which the courier delivers nothing."""
    if len(contact_point) > LONGEST_CONTACT or not contact_point.isprintable():
        raise Invalid(
            f"contact_point has to be one line of at most {LONGEST_CONTACT} characters, without control characters"
        )
    found = tools.couriers[courier]
    if not getattr(found, "carries_files", True):
        able = sorted(name for name, one in tools.couriers.items() if getattr(one, "carries_files", True))
        raise Invalid(
            f"the courier {courier!r} carries no files, and an authority is sent papers",
            hint=f"Choose {' or '.join(able)}.",
        )
    takes = getattr(found, "takes", "")
    if takes and (why := why_not(Kind(takes), contact_point)):
        raise Invalid(f"contact_point: {why}", hint=f"It has to be where {courier!r} delivers.")


def confirm_authority(work: Work, person: Person, number: int) -> None:
    """Confirm an authority's address; the person's agency uses it from then on.

    Raises:
        NotEntitled: The person may not.
        NotFound: The agency has none of that number that waits.
        SameEyes: The person, or whoever lends the role, proposed it.
    """
    person.require(Verb.SET_AUTHORITY)
    eyes = {who for role in RIGHTS[Verb.SET_AUTHORITY][Relation.OWN] for who in person.eyes(role)}
    work.offices.confirm(person.agency, number, by=person.id, eyes=eyes)
    work.ledger.append("authority:address:confirmed", f"authority:{number}", {"by": person.id})
