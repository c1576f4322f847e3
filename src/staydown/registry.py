"""Finding plugs: provider rooms written as data, and everything else by entry points.

Ours are found as a stranger's are, save that our provider rooms need no entry point: every folder below
`plugs/providers` that holds a `provider.toml` is one. A stranger's package names its own under the
entry-point group `staydown.providers`; the value is a package or module whose folder holds the file.
Other plugs stand in the groups `staydown.importers`, `.couriers`, `.probes`, `.matchers`,
`.instruments` and `.reports`. A name taken twice stops the start.

The format of `provider.toml`. An unknown field is an error. Top level:

- `name` (small letters, digits, hyphens; the first word of keys) and `title`: required.
- `hosts`: hosts that are the provider's, exactly, or `*.host` for every host below that one;
  `host_patterns`: regular expressions for whole hosts, where a list of endings does not do.
- `schemes`: schemes of its own, such as `tg`.
- `anywhere`: how paths begin for which this room is asked about hosts that no room claims, for software that
  many run (`["/@"]`). Of its patterns only those with `anywhere = true` are tried there.
- `languages` in which it takes mail (default `["en"]`); `establishment` and `representative`: the states (two
  capitals) where it is established and where its legal representative in the Union is; `instruments` that fit
  what it is, of `Fit`; `looked_up` (a date) and `source` of these facts; `exercise` (default false), `places`.
- `hashbang = true`: in old addresses a `#!/path` names the thing in place of the path before it.
- `tracking`: query parameters of its own that are not identity where its address stays a plain web page.
- `[reserved]`: group = words that are no names; laid over every pattern that has the group.
- `[examples]`: more addresses with the key they must give, above all those that no pattern may claim.
- `[marks]`: what can be read off a page: mark = CSS selector, or `selector@attribute`; behind ` ~ ` may stand an
  expression whose one group is the part that counts. A `stable_id` has to be a lasting number, the same as in addresses.

`[[patterns]]`, tried in order, the first that fits decides; none fits: the address is a plain web page:

- `path`: regular expression for the whole path. Before it is tried, doubled and last slashes and needless
  escapes are taken away; scheme, host case, default ports and unnamed parameters never matter.
- `query`, `whole_query`, `fragment`, `host`: expressions for whole decoded parameters by name, for a query as it
  stands, for what stands behind the `#`, and for the host; `hosts`: narrower than the room's; `scheme`: one of `schemes`, where the path is
  `/` and what follows the colon (`tg://resolve?domain=x` has the path `/resolve`).
- `kind` (of `ItemKind`), `space` (the word in the key, default the kind), `id`, `address`, `container`:
  templates over the named groups of all expressions. The address must give the same key again; the
  container is written `space:id` and left out where the address lacks one of its groups.
- `fold`: groups whose letter case carries no meaning; `except`: group = reserved words; `stable_id`: the
  group with the provider's own number; `turn`: group = a rewriting of `Turn`, done before templates are filled.
- `resolves = true`: a short link or share link, of which only a look tells where it leads.
- `target`: group that holds an address whose key counts instead (a redirector; `id` and `address` are not
  needed); `wraps`: group with the address of what this shows, whose key and address stand in
  `{wraps}` and `{wraps_address}`. If the group stands in `path`, the path is matched as it is, with `?`
  and the query behind it.
  `is_dashed = true` says that `target` is a host with `-` for dots and `--` for hyphens.
- `examples`: address as typed = key it must give; the contract suite runs them.

`[[signs]]`: `sight`, `reason`, and at least one of `status`, `body`, `lands_on`, with an `example` that `body` or
`lands_on` is found in; the first that fits decides, and the signs all servers share (404, 451, 5xx ...) follow. `[[contacts]]`: `courier`, `address`,
`instruments`, and for public facts `looked_up` (a date) and `source`.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Mapping
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from staydown.core.errors import Invalid
from staydown.ports import Importer
from staydown.reason.canon import RULES, Rooms
from staydown.reason.roomfile import door_from, room_from
from staydown.reason.rooms import Door, Room

GROUPS = ("importers", "couriers", "probes", "matchers", "instruments", "reports")
"""The sorts of plugs that are found by entry points alone."""

_OURS = Path(__file__).parent / "plugs" / "providers"
_HEAD_BYTES = 64 * 1024
_TABLE = re.compile(r"^\[", re.MULTILINE)


def load_rooms(folder: Path = _OURS) -> Rooms:
    """All provider rooms: those below `folder`, and those of other packages.

    Only what leads to a room is read now; the rest when an address first does.

    Raises:
        Invalid: A file's first fields are malformed, or two rooms claim one name, host or scheme.
    """
    return Rooms([read_door(file) for file in _files(folder)])


def rules(folder: Path = _OURS) -> str:
    """A word for the rules of identity as they are: it changes when they, or any room, do."""
    found = hashlib.sha256(f"{RULES}".encode())
    for file in _files(folder):
        found.update(_text_of(file)[1].encode())
    return f"{RULES}-{found.hexdigest()[:16]}"


def _files(folder: Path) -> list[Path]:
    points = entry_points(group="staydown.providers")
    return [*sorted(folder.glob("*/provider.toml")), *(_room_file(point) for point in points)]


def read_door(file: Path) -> Door:
    """What leads to the room of a `provider.toml`: its first fields, those before the first table.

    Raises:
        Invalid: They are missing or malformed; names file and field.
    """
    where, text = _text_of(file)
    first_table = _TABLE.search(text)
    try:
        fields = tomllib.loads(text[: first_table.start()] if first_table else text)
    except tomllib.TOMLDecodeError:  # a line that begins with a bracket need not begin a table
        fields = _fields_of(text, where)
    return door_from(fields, where, partial(read_room, file))


def read_room(file: Path) -> Room:
    """The room one `provider.toml` describes.

    Raises:
        Invalid: The file is missing, is no TOML, or describes no room; names file and field.
    """
    where, text = _text_of(file)
    return room_from(_fields_of(text, where), where)


def _text_of(file: Path) -> tuple[str, str]:
    """How errors name a file, and what it holds."""
    where = f"{file.parent.name}/{file.name}"
    try:
        return where, file.read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{where} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{where} is not UTF-8") from error


def _fields_of(text: str, where: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{where} is no TOML: {error}") from error


def _room_file(point: EntryPoint) -> Path:
    """Where a stranger's entry point keeps its room."""
    loaded = _loaded(point)
    if not isinstance(loaded, ModuleType) or loaded.__file__ is None:
        raise Invalid(f"plug {point.group}:{point.name} is no package or module with a folder")
    return Path(loaded.__file__).parent / "provider.toml"


def plugs(group: str) -> dict[str, object]:
    """The plugs of one sort, loaded, by name.

    Args:
        group: One of `GROUPS`.

    Raises:
        Invalid: No such sort; a name is taken twice; a plug does not load.
    """
    if group not in GROUPS:
        near = difflib.get_close_matches(group, GROUPS, n=1, cutoff=0.0)
        raise Invalid(f"there are no plugs of the sort {group[:40]!r}", hint=f"Did you mean {near[0]!r}?")
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=f"staydown.{group}"):
        if (other := found.get(point.name)) and other.value != point.value:
            raise Invalid(
                f"the name {point.name!r} is taken twice among {group}: by {other.value} and by {point.value}",
                hint="Remove one of the two packages.",
            )
        found[point.name] = point
    return {name: _loaded(point) for name, point in sorted(found.items())}


def _loaded(point: EntryPoint) -> object:
    try:
        loaded: object = point.load()
    except (ImportError, AttributeError) as error:
        raise Invalid(
            f"plug {point.group}:{point.name} does not load: {error}",
            hint="Install the package again, or remove it.",
        ) from error
    return loaded


def choose_importer(path: Path, plugs: Mapping[str, Importer], name: str | None = None) -> Importer:
    """The importer for a file: the one asked for, else by its ending and its first bytes.

    Plain text is everybody's last resort: a `.txt` that looks like another format is read as that.

    Args:
        name: As `--format` gives it.

    Raises:
        Invalid: No importer has the name, or none knows the file.
    """
    if name is not None:
        return _by_name(plugs, name)
    head, suffix = _head(path), path.suffix.lower()
    plain = [one for one in plugs.values() if ".txt" in one.suffixes]
    exact = [one for one in plugs.values() if one not in plain]
    fitting = [one for one in (*exact, *plain) if suffix in one.suffixes]
    for one in (*(one for one in fitting if one in exact), *exact):
        if one.sniff(path, head):
            return one
    if fitting:
        return fitting[0]  # it will say what is wrong with the file
    for one in plain:
        if one.sniff(path, head):
            return one
    raise Invalid(
        f"{path.name} is of no known format", hint=f"Say which with --format: {', '.join(sorted(plugs))}."
    )


def _by_name(plugs: Mapping[str, Importer], name: str) -> Importer:
    if name in plugs:
        return plugs[name]
    near = difflib.get_close_matches(name, plugs, n=1, cutoff=0.0)
    raise Invalid(
        f"no importer reads the format {name[:40]!r}", hint=f"Did you mean {near[0]!r}?" if near else None
    )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror}") from error
