"""Who may do what: one table of role, verb and relation. Nothing that is not in it is allowed.

The table is printed into `docs/reference/rights.md`; every route of the API names the row it stands on.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What a person may do within the own agency."""

    ANALYST = "analyst"  #: records, preserves, assesses, proposes, confirms returns
    ASSESSOR = "assessor"  #: assesses what others recorded, and nothing else
    APPROVER = "approver"  #: gives the second consent
    SIGNATORY = "signatory"  #: signs orders; decides a disputed hold with written reasons
    COORDINATOR = "coordinator"  #: runs operations
    DECONFLICTION = "deconfliction"  #: sees and answers holds
    INVESTIGATOR = "investigator"  #: places holds for an investigation
    PROVIDER = "provider"  #: answers for a provider
    AUDITOR = "auditor"  #: reads the own agency's record and who looked at what
    ADMINISTRATOR = "administrator"  #: lets people in and out; sees no cases
    TRAINER = "trainer"  #: runs exercises


class Relation(StrEnum):
    """How a record stands to the person who asks for it."""

    OWN = "own"  #: of the person's own agency
    SHARED = "shared"  #: of the record that all agencies work on: items, checks, operations one takes part in
    ADDRESSED = "addressed"  #: a request that was sent to the provider at whose desk the person works
    SELF = "self"  #: of the person, and nobody else's
    FOREIGN = "foreign"  #: of another agency


class Verb(StrEnum):
    """What can be asked of the program, as `noun:act`."""

    SEE_SELF = "account:see"
    CHANGE_SELF = "account:change"
    MAKE_TOKEN = "token:make"  # noqa: S105  # a verb
    END_TOKEN = "token:end"  # noqa: S105  # a verb
    DELEGATE = "delegation:give"
    SEE_DELEGATIONS = "delegation:see"

    SEE_PEOPLE = "person:see"
    ADD_PERSON = "person:add"
    CHANGE_PERSON = "person:change"
    INVITE = "person:invite"
    SEE_AGENCIES = "agency:see"
    NAME_AGENCY = "agency:name"

    SEE_ITEMS = "item:see"
    RECORD = "sighting:record"
    SEE_SIGHTINGS = "sighting:see"
    SEE_MATCHES = "match:see"
    IMPORT_LIST = "list:import"
    PRESERVE = "evidence:ask"
    WAIVE = "evidence:waive"
    SEE_EVIDENCE = "evidence:see"
    OPEN_EVIDENCE = "evidence:open"
    ASSESS = "assessment:make"
    SEE_ASSESSMENTS = "assessment:see"
    MERGE = "item:merge"
    CHECK = "check:ask"
    SEE_CHECKS = "check:see"
    SEE_RETURNS = "return:see"
    DECIDE_RETURN = "return:decide"

    SEE_HOLDS = "hold:see"
    PLACE_HOLD = "hold:place"
    RELEASE_HOLD = "hold:release"
    DISPUTE_HOLD = "hold:dispute"
    OVERRULE_HOLD = "hold:overrule"
    ASK_HOLD = "question:ask"
    SEE_QUESTIONS = "question:see"

    SEE_REQUESTS = "request:see"
    PROPOSE = "request:propose"
    APPROVE = "request:approve"
    SIGN = "request:sign"
    SEND_BACK = "request:send-back"
    WITHDRAW = "request:withdraw"
    ANSWER = "request:answer"
    CLOSE = "request:close"
    SEE_CLOCKS = "clock:see"
    NOTE_ORDER = "order:note"
    EXPORT_DOSSIER = "dossier:export"
    DRAW_LETTER = "letter:draw"
    APPROVE_LETTER = "letter:approve"
    SET_OFFICE = "office:set"
    SET_AUTHORITY = "authority:set"

    SEE_OPERATIONS = "operation:see"
    BEGIN_OPERATION = "operation:begin"
    ADD_TO_OPERATION = "operation:add"
    RELEASE_OPERATION = "operation:release"

    SEE_FIGURES = "figures:see"
    SEE_PROVIDERS = "provider:see"
    SEE_LEDGER = "ledger:see"
    SEE_CHECKPOINT = "checkpoint:see"
    SEE_ACCESSES = "access:see"

    SEE_ROSTER = "roster:see"
    SET_ROSTER = "roster:set"
    SEE_ALARMS = "alarm:see"
    RAISE_ALARM = "alarm:raise"
    TAKE_ALARM = "alarm:take"
    SEE_WEBHOOKS = "webhook:see"
    SET_WEBHOOKS = "webhook:set"
    EXERCISE = "exercise:run"


_R = Role
CASE: frozenset[Role] = frozenset(
    {_R.ANALYST, _R.APPROVER, _R.SIGNATORY, _R.COORDINATOR, _R.DECONFLICTION, _R.INVESTIGATOR}
)
"""Roles that work on a case from beginning to end."""
WATCHERS = CASE | {_R.ASSESSOR, _R.AUDITOR}
"""Roles that may look at the shared record."""
ALL: frozenset[Role] = frozenset(Role)
ALONE: frozenset[Role] = frozenset({_R.ADMINISTRATOR, _R.PROVIDER})
"""Roles that go with no other: who lets people in sees no cases, and a provider's officer works for no authority."""


def _roles(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


_OWN, _SHARED, _ADDRESSED, _SELF, _FOREIGN = Relation

RIGHTS: Mapping[Verb, Mapping[Relation, frozenset[Role]]] = MappingProxyType(
    {
        Verb.SEE_SELF: {_SELF: ALL},
        Verb.CHANGE_SELF: {_SELF: ALL},
        Verb.MAKE_TOKEN: {_SELF: ALL},
        Verb.END_TOKEN: {_SELF: ALL, _OWN: _roles(_R.ADMINISTRATOR)},
        Verb.DELEGATE: {_SELF: ALL - {_R.ADMINISTRATOR}},
        Verb.SEE_DELEGATIONS: {_OWN: ALL},
        Verb.SEE_PEOPLE: {_OWN: ALL},
        Verb.ADD_PERSON: {_OWN: _roles(_R.ADMINISTRATOR)},
        Verb.CHANGE_PERSON: {_OWN: _roles(_R.ADMINISTRATOR)},
        Verb.INVITE: {_OWN: _roles(_R.ADMINISTRATOR)},
        Verb.SEE_AGENCIES: {_SHARED: ALL},
        Verb.NAME_AGENCY: {_OWN: _roles(_R.ADMINISTRATOR)},
        Verb.SEE_ITEMS: {_SHARED: WATCHERS},
        Verb.RECORD: {_OWN: _roles(_R.ANALYST, _R.COORDINATOR)},
        Verb.SEE_SIGHTINGS: {_OWN: WATCHERS},
        Verb.SEE_MATCHES: {_SHARED: WATCHERS},
        Verb.IMPORT_LIST: {_OWN: _roles(_R.ANALYST, _R.COORDINATOR)},
        Verb.PRESERVE: {_SHARED: _roles(_R.ANALYST)},
        Verb.WAIVE: {_SHARED: _roles(_R.ANALYST)},
        Verb.SEE_EVIDENCE: {_SHARED: WATCHERS},
        Verb.OPEN_EVIDENCE: {
            _SHARED: _roles(_R.ANALYST, _R.ASSESSOR, _R.APPROVER, _R.SIGNATORY, _R.INVESTIGATOR, _R.AUDITOR)
        },
        Verb.ASSESS: {_OWN: _roles(_R.ANALYST, _R.ASSESSOR)},
        Verb.SEE_ASSESSMENTS: {_OWN: WATCHERS},
        Verb.MERGE: {_SHARED: _roles(_R.ANALYST, _R.COORDINATOR)},
        Verb.CHECK: {_SHARED: _roles(_R.ANALYST, _R.COORDINATOR)},
        Verb.SEE_CHECKS: {_SHARED: WATCHERS},
        Verb.SEE_RETURNS: {_SHARED: WATCHERS},
        Verb.DECIDE_RETURN: {_SHARED: _roles(_R.ANALYST)},
        Verb.SEE_HOLDS: {_OWN: _roles(_R.INVESTIGATOR, _R.DECONFLICTION), _FOREIGN: _roles(_R.DECONFLICTION)},
        Verb.PLACE_HOLD: {_OWN: _roles(_R.INVESTIGATOR, _R.DECONFLICTION)},
        Verb.RELEASE_HOLD: {_OWN: _roles(_R.INVESTIGATOR, _R.DECONFLICTION)},
        Verb.DISPUTE_HOLD: {_FOREIGN: _roles(_R.DECONFLICTION)},
        Verb.OVERRULE_HOLD: {_FOREIGN: _roles(_R.SIGNATORY)},
        Verb.ASK_HOLD: {_SHARED: _roles(_R.ANALYST, _R.COORDINATOR, _R.DECONFLICTION)},
        Verb.SEE_QUESTIONS: {_OWN: _roles(_R.INVESTIGATOR, _R.DECONFLICTION)},
        Verb.SEE_REQUESTS: {_OWN: WATCHERS, _ADDRESSED: _roles(_R.PROVIDER)},
        Verb.PROPOSE: {_OWN: _roles(_R.ANALYST)},
        Verb.APPROVE: {_OWN: _roles(_R.APPROVER)},
        Verb.SIGN: {_OWN: _roles(_R.SIGNATORY)},
        Verb.SEND_BACK: {_OWN: _roles(_R.APPROVER, _R.SIGNATORY)},
        Verb.WITHDRAW: {_OWN: _roles(_R.ANALYST, _R.APPROVER, _R.COORDINATOR, _R.SIGNATORY)},
        Verb.ANSWER: {_OWN: _roles(_R.ANALYST, _R.COORDINATOR), _ADDRESSED: _roles(_R.PROVIDER)},
        Verb.CLOSE: {_OWN: _roles(_R.ANALYST, _R.COORDINATOR)},
        Verb.SEE_CLOCKS: {_OWN: WATCHERS, _ADDRESSED: _roles(_R.PROVIDER)},
        Verb.NOTE_ORDER: {
            _OWN: _roles(_R.ANALYST, _R.COORDINATOR, _R.SIGNATORY),
            _ADDRESSED: _roles(_R.PROVIDER),
        },
        Verb.EXPORT_DOSSIER: {_OWN: CASE | {_R.AUDITOR}},
        Verb.DRAW_LETTER: {_OWN: _roles(_R.ANALYST, _R.COORDINATOR, _R.SIGNATORY)},
        Verb.APPROVE_LETTER: {_OWN: _roles(_R.APPROVER)},
        Verb.SET_OFFICE: {_OWN: _roles(_R.ADMINISTRATOR, _R.SIGNATORY)},
        Verb.SET_AUTHORITY: {_OWN: _roles(_R.APPROVER, _R.COORDINATOR, _R.SIGNATORY)},
        Verb.SEE_OPERATIONS: {_SHARED: WATCHERS},
        Verb.BEGIN_OPERATION: {_OWN: _roles(_R.COORDINATOR)},
        Verb.ADD_TO_OPERATION: {_SHARED: _roles(_R.ANALYST, _R.COORDINATOR)},
        Verb.RELEASE_OPERATION: {_OWN: _roles(_R.COORDINATOR)},
        Verb.SEE_FIGURES: {_SHARED: WATCHERS},
        Verb.SEE_PROVIDERS: {_SHARED: ALL},
        Verb.SEE_LEDGER: {_SHARED: WATCHERS},
        Verb.SEE_CHECKPOINT: {_SHARED: ALL},
        Verb.SEE_ACCESSES: {_OWN: _roles(_R.AUDITOR)},
        Verb.SEE_ROSTER: {_OWN: ALL},
        Verb.SET_ROSTER: {_OWN: _roles(_R.COORDINATOR, _R.ADMINISTRATOR)},
        Verb.SEE_ALARMS: {_OWN: ALL - {_R.ADMINISTRATOR}},
        Verb.RAISE_ALARM: {_OWN: CASE | {_R.ASSESSOR, _R.PROVIDER}},
        Verb.TAKE_ALARM: {_OWN: ALL - {_R.ADMINISTRATOR}},
        Verb.SEE_WEBHOOKS: {_OWN: _roles(_R.ADMINISTRATOR, _R.COORDINATOR, _R.PROVIDER, _R.AUDITOR)},
        Verb.SET_WEBHOOKS: {_OWN: _roles(_R.ADMINISTRATOR, _R.PROVIDER)},
        Verb.EXERCISE: {_OWN: _roles(_R.TRAINER, _R.COORDINATOR)},
    }
)
"""Per verb and relation the roles that may; a relation or role that is not there may not."""

FRESH: frozenset[Verb] = frozenset(
    {
        Verb.APPROVE,
        Verb.APPROVE_LETTER,
        Verb.SIGN,
        Verb.OVERRULE_HOLD,
        Verb.RELEASE_OPERATION,
        Verb.RELEASE_HOLD,
        Verb.SET_AUTHORITY,
    }
)
"""Acts before which a person who signed in has to prove anew who is there (OWASP ASVS 5.0, 7.5.3); no token can."""

WITH_PURPOSE: frozenset[Verb] = frozenset(
    {
        Verb.SEE_SIGHTINGS,
        Verb.SEE_EVIDENCE,
        Verb.OPEN_EVIDENCE,
        Verb.SEE_ASSESSMENTS,
        Verb.SEE_HOLDS,
        Verb.SEE_QUESTIONS,
        Verb.SEE_REQUESTS,
        Verb.EXPORT_DOSSIER,
        Verb.SEE_ACCESSES,
    }
)
"""Looks at sensitive data: each names its purpose and is written down (Directive (EU) 2016/680, Art. 25(1))."""

PHISHING_RESISTANT: frozenset[Role] = frozenset({_R.APPROVER, _R.SIGNATORY})
"""Roles that only a sign-in with a passkey opens (OWASP ASVS 5.0, 6.3.3)."""


def may(roles: frozenset[Role], verb: Verb, relation: Relation) -> bool:
    """Whether one of these roles may do this to a record that stands in this relation."""
    return bool(roles & RIGHTS[verb].get(relation, frozenset()))


def goes_together(roles: frozenset[Role]) -> bool:
    """Whether one person may hold all of these roles."""
    return not (roles & ALONE) or len(roles) == 1
