"""The client itself: one method for each thing that can be asked."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from staydown.client.orders import Orders
from staydown.wire import cases
from staydown.wire import items as of_items
from staydown.wire import operations as of_operations

Model = TypeVar("Model", bound=BaseModel)
NDJSON = "application/x-ndjson"


class Client(Orders):
    """Acts for whoever the word was given to.

    What makes something carries a key of its own, so that it acts once even where the connection breaks and it is sent
    again. Lists are read page by page as they are needed.

    Args:
        address: Of the server, such as `https://staydown.example`.
        word: A token's or a session's.
        purpose: Why sensitive data are looked at; it is written down with each look.

    Raises:
        StaydownError: Every method: what the server refused, as the error of the same name, with its hint.
        Outside: The server cannot be reached.
    """

    # --- sightings and items --------------------------------------------------------------------------

    def record(
        self, seen: Iterable[of_items.NewSighting], *, operation: str | None = None
    ) -> of_items.Intake:
        """Stream sightings; memory stays flat however many there are. Sent again, it adds nothing twice."""

        def lines() -> Iterator[bytes]:
            for one in seen:
                yield one.model_dump_json(exclude_defaults=True).encode() + b"\n"

        answer = self._once(
            lambda: self._http.post(
                "/v1/sightings",
                content=lines(),
                headers={"Content-Type": NDJSON, "Idempotency-Key": secrets.token_urlsafe(18)},
                params={"operation": operation} if operation else None,
            )
        )
        return of_items.Intake.model_validate_json(answer.content)

    def sightings(self, *, item: str | None = None) -> Iterator[of_items.Sighting]:
        """The own agency's records."""
        return self._pages("/v1/sightings", of_items.Sighting, item=item)

    def items(self, **wanted: str | bool | None) -> Iterator[of_items.Item]:
        """The shared record; `state`, `provider`, `kind`, `operation`, `seen_by_us`, `since`, `key`."""
        return self._pages("/v1/items", of_items.Item, **wanted)

    def item(self, item: str) -> of_items.Item:
        """One item, by number, key or address; what has not changed is not sent again."""
        return of_items.Item.model_validate_json(self._known(f"/v1/items/{quote(item, safe='')}"))

    def matches(self, item: str) -> Iterator[of_items.Match]:
        """What machines suggest that it is."""
        return self._pages(f"/v1/items/{quote(item, safe='')}/matches", of_items.Match)

    def checks(self, item: str) -> Iterator[of_items.Check]:
        """Every look at it."""
        return self._pages(f"/v1/items/{quote(item, safe='')}/checks", of_items.Check)

    def names(self, item: str) -> Iterator[of_items.Name]:
        """Every name it has or had."""
        return self._pages(f"/v1/items/{quote(item, safe='')}/names", of_items.Name)

    def evidence_of(self, item: str) -> Iterator[of_items.Evidence]:
        """What is kept of it."""
        return self._pages(f"/v1/items/{quote(item, safe='')}/evidence", of_items.Evidence)

    def evidence(self, number: int) -> of_items.Evidence:
        """One act of keeping."""
        return self._get(f"/v1/evidence/{number}", of_items.Evidence)

    def evidence_bytes(self, number: int) -> bytes:
        """The bytes as they were kept."""
        return self._again(lambda: self._http.get(f"/v1/evidence/{number}/bytes")).content

    def preserve(self, given: of_items.ToKeep) -> of_items.Asked:
        """Ask for items to be kept."""
        return self._post("/v1/evidence", given, of_items.Asked)

    def waive(self, given: of_items.NewWaiver) -> of_items.Asked:
        """Say why items may be acted on without kept evidence."""
        return self._post("/v1/waivers", given, of_items.Asked)

    def assess(self, given: of_items.NewAssessment) -> of_items.AssessedItems:
        """Write down what was found."""
        return self._post("/v1/assessments", given, of_items.AssessedItems)

    def assessments(self, *, item: str | None = None) -> Iterator[of_items.Assessment]:
        """The own agency's."""
        return self._pages("/v1/assessments", of_items.Assessment, item=item)

    def check(self, given: of_items.ToKeep) -> of_items.Asked:
        """Ask for another look."""
        return self._post("/v1/checks", given, of_items.Asked)

    def returns(self, *, state: str | None = None) -> Iterator[of_items.Return]:
        """Likely returns."""
        return self._pages("/v1/returns", of_items.Return, state=state)

    def decide_return(self, number: int, given: of_items.ReturnDecision) -> of_items.DecidedReturn:
        """Say whether it is one."""
        return self._post(f"/v1/returns/{number}/decision", given, of_items.DecidedReturn)

    # --- holds and requests -------------------------------------------------------------------------------

    def holds(self) -> Iterator[cases.Hold]:
        """Holds that the person may see."""
        return self._pages("/v1/holds", cases.Hold)

    def hold(self, given: cases.NewHold) -> cases.PlacedHolds:
        """Ask all agencies to wait."""
        return self._post("/v1/holds", given, cases.PlacedHolds)

    def release_hold(self, number: int, reason: str) -> cases.EndedHold:
        """Let go of the own agency's hold."""
        return self._post(f"/v1/holds/{number}/release", cases.Reasoned(reason=reason), cases.EndedHold)

    def overrule_hold(self, number: int, reason: str) -> cases.EndedHold:
        """Decide a disputed hold against its holder."""
        return self._post(f"/v1/holds/{number}/overrule", cases.Reasoned(reason=reason), cases.EndedHold)

    def ask(self, given: cases.NewQuestion) -> cases.QuestionAnswer:
        """Whether an item has to wait."""
        return self._post("/v1/questions", given, cases.QuestionAnswer)

    def questions(self) -> Iterator[cases.Question]:
        """What others asked about items the own agency holds."""
        return self._pages("/v1/questions", cases.Question)

    def dispute(self, given: cases.NewDispute) -> cases.Disputed:
        """Disagree with the holds on an item."""
        return self._post("/v1/disputes", given, cases.Disputed)

    def requests(self, **wanted: str | None) -> Iterator[cases.RequestRow]:
        """Requests that the person may see; `state`, `provider`, `operation`."""
        return self._pages("/v1/requests", cases.RequestRow, **wanted)

    def request(self, reference: str) -> cases.Request:
        """One request with all that belongs to it."""
        return cases.Request.model_validate_json(self._known(f"/v1/requests/{reference}"))

    def request_text(self, reference: str) -> cases.RequestText:
        """The exact text that leaves."""
        return self._get(f"/v1/requests/{reference}/text", cases.RequestText)

    def propose(self, given: cases.NewRequest) -> cases.Proposal:
        """Put assessed items into requests."""
        return self._post("/v1/requests", given, cases.Proposal)

    def approve(self, read: cases.Request) -> cases.Approval:
        """Consent to exactly the request that was read."""
        path, given = f"/v1/requests/{read.reference}/approvals", cases.NewApproval(digest=read.digest)
        return self._post(path, given, cases.Approval, {"If-Match": f'"{read.version}"'})

    def send_back(self, reference: str, reason: str) -> cases.Standing:
        """Say no to a proposed request."""
        path = f"/v1/requests/{reference}/send-back"
        return self._post(path, cases.Reasoned(reason=reason), cases.Standing)

    def withdraw(self, reference: str, given: cases.NewWithdrawal) -> cases.Withdrawn:
        """Take a request back, or some of its items."""
        return self._post(f"/v1/requests/{reference}/withdrawals", given, cases.Withdrawn)

    def answer(self, reference: str, given: cases.NewAnswer) -> cases.Standing:
        """Note what the provider says."""
        return self._post(f"/v1/requests/{reference}/answers", given, cases.Standing)

    def close_request(self, reference: str, reason: str) -> cases.Standing:
        """End the wait for an answer."""
        path = f"/v1/requests/{reference}/close"
        return self._post(path, cases.Reasoned(reason=reason), cases.Standing)

    # --- operations, figures, providers, ledger, webhooks -----------------------------------------------------

    def operations(self) -> Iterator[of_operations.Operation]:
        """Operations in which the own agency takes part."""
        return self._pages("/v1/operations", of_operations.Operation)

    def operation(self, name: str) -> of_operations.Operation:
        """One operation."""
        return self._get(f"/v1/operations/{name}", of_operations.Operation)

    def begin_operation(self, given: of_operations.NewOperation) -> of_operations.Operation:
        """Set one up."""
        return self._post("/v1/operations", given, of_operations.Operation)

    def add_to_operation(self, name: str, given: of_items.OnOperation) -> of_operations.Added:
        """Put items on its list."""
        return self._post(f"/v1/operations/{name}/items", given, of_operations.Added)

    def release_operation(self, name: str) -> of_operations.Released:
        """Let everything that is approved leave now."""
        return self._post(f"/v1/operations/{name}/release", None, of_operations.Released)

    def operation_figures(self, name: str) -> of_operations.Figures:
        """All that a report on it shows."""
        found: of_operations.Figures = self._again(
            lambda: self._http.get(f"/v1/operations/{name}/figures")
        ).json()
        return found

    def figures(self) -> of_operations.Tally:
        """Where things stand."""
        return self._get("/v1/figures", of_operations.Tally)

    def providers(self) -> Iterator[of_operations.Provider]:
        """Every provider that is known."""
        return self._pages("/v1/providers", of_operations.Provider)

    def provider(self, name: str) -> of_operations.ProviderRoom:
        """What is known of a provider."""
        return self._get(f"/v1/providers/{quote(name, safe='')}", of_operations.ProviderRoom)

    def checkpoint(self) -> str:
        """The newest checkpoint of the ledger, a signed note."""
        return self._again(lambda: self._http.get("/v1/ledger/checkpoint")).text

    def ledger_key(self) -> of_operations.LedgerKey:
        """With what checkpoints are checked."""
        return self._get("/v1/ledger/key", of_operations.LedgerKey)

    def entries(self) -> Iterator[of_operations.LedgerEntry]:
        """The ledger's entries, from the first."""
        return self._pages("/v1/ledger/entries", of_operations.LedgerEntry, limit=1000)

    def inclusion(self, entry: int, size: int) -> of_operations.InclusionProof:
        """That an entry stands in the ledger of that size."""
        return self._get(
            f"/v1/ledger/proofs/inclusion?entry={entry}&size={size}", of_operations.InclusionProof
        )

    def consistency(self, first: int, second: int) -> of_operations.ConsistencyProof:
        """That the ledger only grew."""
        path = f"/v1/ledger/proofs/consistency?first={first}&second={second}"
        return self._get(path, of_operations.ConsistencyProof)

    def webhooks(self) -> Iterator[of_operations.Webhook]:
        """Whom the own agency wants told."""
        return self._pages("/v1/webhooks", of_operations.Webhook)

    def add_webhook(self, given: of_operations.NewWebhook) -> of_operations.MadeWebhook:
        """Tell an address of what happens from now on."""
        return self._post("/v1/webhooks", given, of_operations.MadeWebhook)

    def end_webhook(self, number: int) -> None:
        """Tell it no more."""
        self._again(lambda: self._http.delete(f"/v1/webhooks/{number}"))
