"""Find the adapters: a folder each, under the shipped folder and under ``adapter_dirs``.

A folder that is not a valid adapter does not stop the others; it is kept with its error, which is
raised when somebody wants that adapter. Two folders with one id are an error at once, because
nobody can know which of them was meant.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from mis_bridge.adapters.driver import Gates
from mis_bridge.adapters.manifest import Connection, connection, read
from mis_bridge.adapters.source import BATCH_RECORDS
from mis_bridge.adapters.template import fill
from mis_bridge.errors import AdapterInvalid, MisBridgeError, SettingsError
from mis_bridge.io.retry import RetryRules
from mis_bridge.io.secrets import Secret, is_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from mis_bridge.adapters.driver import Sends
    from mis_bridge.adapters.source import Source
    from mis_bridge.adapters.vocabulary import ManifestModel
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.secrets import Secrets

__all__ = ["Adapter", "Given", "OpenContext", "Registry", "load", "load_folder", "shipped"]

Given = Mapping[str, str | int | float | bool | Secret] | Mapping[str, str | Secret]
"""A school's ``[mis.connection]``: as its file has it, or with the secrets found."""

_CODE: Final = "adapter.py"
_CAPABILITIES: Final = ("session", "lesson", "register_taken", "corrections", "presence")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class OpenContext:
    """What an ``adapter.py`` is given to open a school.

    Args:
        manifest: of the adapter.
        connection: what the school gave, checked.
        transport: where HTTP requests go.
        clock: the present.
        codes: the school's own codes -> register codes.
        periods: the school's own periods -> (starts, ends), minutes after local midnight.
        gates: shared by the schools of the adapter.
        rules: how often to try again, if not as usual.
    """

    manifest: ManifestModel
    connection: Connection
    transport: Sends
    clock: Clock
    codes: Mapping[str, str]
    periods: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    gates: Gates = field(default_factory=Gates)
    rules: RetryRules | None = None


@dataclass(frozen=True)
class Adapter:
    """One adapter, ready to open schools.

    Args:
        folder: where it is.
        manifest: what it says about itself.
        shipped: came with mis-bridge.
        pin: sha256 of its ``adapter.py`` that the settings trust, or empty.
    """

    folder: Path
    manifest: ManifestModel
    shipped: bool = True
    pin: str = ""
    _gates: Gates = field(default_factory=Gates, repr=False)

    @property
    def id(self) -> str:
        """Name of the adapter and of its folder."""
        return self.manifest.adapter.id

    @property
    def capabilities(self) -> frozenset[str]:
        """Of ``session``, ``lesson``, ``register_taken``, ``corrections``, ``presence``."""
        declared = self.manifest.capabilities
        return frozenset(name for name in _CAPABILITIES if getattr(declared, name))

    @property
    def delay(self) -> timedelta:
        """How old an answer of the MIS may be when it comes."""
        return timedelta(minutes=self.manifest.capabilities.delay_minutes)

    @property
    def is_code(self) -> bool:
        """Whether an ``adapter.py`` reads the MIS, and not the manifest."""
        return not self.manifest.stream

    def connection(
        self,
        given: Given,
        secrets: Secrets | None = None,
        *,
        place: str = "mis.connection",
    ) -> Connection:
        """Check what a school gave, and find its secrets.

        Args:
            given: the table of the school's file, secrets as references.
            secrets: finds them; None leaves every reference an error.
            place: table that the keys of errors stand in.

        Raises:
            SettingsProblems: what is wrong with it; no text repeats a value.
            SecretMissing: a secret is named and not there.
        """
        found: dict[str, Any] = dict(given)
        for name, value in given.items():
            parameter = self.manifest.connection.get(name)
            if parameter is None or not parameter.secret or not isinstance(value, str):
                continue
            if is_reference(value) and secrets is not None:
                found[name] = secrets.resolve(value)
        return connection(self.manifest.connection, found, place=place)

    def open(
        self,
        given: Given,
        *,
        transport: Sends,
        clock: Clock,
        secrets: Secrets | None = None,
        codes: Mapping[str, str] | None = None,
        periods: Mapping[str, tuple[int, int]] | None = None,
        timeout: float | None = None,
        patient: bool = True,
        batch_records: int | None = None,
    ) -> Source:
        """Open a school; nothing is read yet.

        Args:
            given: as in ``connection``.
            transport: where requests go.
            clock: the present.
            secrets: as in ``connection``.
            codes: the school's own codes -> register codes.
            periods: the school's own periods -> (starts, ends), minutes after local midnight.
            timeout: seconds for one request, if not the manifest's.
            patient: try again after failures that may pass; otherwise the first one is the answer.
            batch_records: records after which a batch is given out, if not as usual; an adapter
                with code of its own cuts its batches as it likes.

        Raises:
            SettingsProblems, SecretMissing: as ``connection``.
            AdapterInvalid: its ``adapter.py`` is not trusted or not an adapter.
        """
        checked = self.connection(given, secrets)
        manifest = self.manifest
        if manifest.http is not None and timeout is not None:
            http = manifest.http.model_copy(update={"timeout": timeout})
            manifest = manifest.model_copy(update={"http": http})
        _refuse_plain(manifest, checked)
        rules = None if patient else RetryRules(attempts=1)
        if self.is_code:
            return self._coded(
                OpenContext(
                    manifest,
                    checked,
                    transport,
                    clock,
                    dict(codes or {}),
                    dict(periods or {}),
                    self._gates,
                    rules,
                )
            )
        from mis_bridge.adapters.declared import DeclaredSource

        return DeclaredSource(
            manifest,
            checked,
            transport,
            clock,
            self._gates,
            school_codes=codes,
            periods=periods,
            rules=rules,
            batch_records=batch_records or BATCH_RECORDS,
        )

    def _coded(self, context: OpenContext) -> Source:
        module = _module(self.folder / _CODE, self.id, "" if self.shipped else self.pin or "none")
        open_source = getattr(module, "open_source", None)
        if open_source is None:
            raise AdapterInvalid(f"{self.folder / _CODE}: there is no function open_source")
        try:
            source: Source = open_source(context)
        except MisBridgeError:
            raise
        except Exception as error:
            # What it says may hold what the school gave.
            told = f"open_source failed ({type(error).__name__})"
            raise AdapterInvalid(f"{self.folder / _CODE}: {told}") from error
        return source


class Registry(dict[str, Adapter]):
    """Adapters by id, and the folders that are none."""

    def __init__(self, adapters: Sequence[Adapter], broken: Mapping[str, AdapterInvalid]) -> None:
        super().__init__({adapter.id: adapter for adapter in adapters})
        self.broken = dict(broken)

    def find(self, adapter_id: str, *, key: str = "mis.adapter") -> Adapter:
        """Give an adapter.

        Args:
            adapter_id: as the school's file names it.
            key: named in the error.

        Raises:
            AdapterInvalid: its folder is not a valid adapter.
            SettingsError: there is none of this id; names the nearest.
        """
        if adapter_id in self:
            return self[adapter_id]
        if adapter_id in self.broken:
            raise self.broken[adapter_id]
        from mis_bridge.settings.problems import nearest

        raise SettingsError(
            f'there is no adapter "{adapter_id}": {nearest(adapter_id, self)}', key=key
        )


def shipped() -> Path:
    """Find the adapters that came with mis-bridge: in the package, or in a checkout beside it."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_shipped" / "adapters"
    return inside if inside.is_dir() else package.parent.parent / "adapters"


def load(dirs: Sequence[Path] = (), pins: Mapping[str, str] | None = None) -> Registry:
    """Find all adapters.

    Args:
        dirs: ``service.adapter_dirs``; each has folders of adapters, directly or under ``mis/``.
        pins: id -> sha256 of an ``adapter.py`` that may run although it did not come with us.

    Raises:
        AdapterInvalid: two folders have one id; names both.
        SettingsError: a folder of ``dirs`` is not there.
    """
    pins = pins or {}
    found: dict[str, Path] = {}
    adapters, broken = [], {}
    for folder, ours in _folders(dirs):
        name = folder.name
        if name in found:
            raise AdapterInvalid(
                f'two adapters have the id "{name}": {found[name]} and {folder}; rename one of '
                "them (folder and adapter.id)"
            )
        found[name] = folder
        try:
            adapters.append(load_folder(folder, shipped=ours, pin=pins.get(name, "")))
        except AdapterInvalid as error:
            broken[name] = error
    return Registry(adapters, broken)


def load_folder(folder: Path, *, shipped: bool = False, pin: str = "") -> Adapter:
    """Read one adapter's folder.

    Raises:
        AdapterInvalid: with every mistake, one a line.
    """
    return Adapter(folder, read(folder), shipped=shipped, pin=pin)


def _refuse_plain(manifest: ManifestModel, given: Connection) -> None:
    """Keep credentials off unencrypted lines; only this machine may be asked without TLS."""
    if manifest.http is None or manifest.auth is None or manifest.auth.type == "none":
        return
    values = {f"connection.{k}": v for k, v in given.items() if isinstance(v, str)}
    base = fill(manifest.http.base, values)
    request = manifest.auth.request
    asked = [base] if request is None else [base, urljoin(base, fill(request.post, values))]
    for parts in map(urlsplit, asked):
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise SettingsError(
                f"{parts.hostname} would be sent a secret without encryption: use https",
                key="mis.connection",
            )


def _folders(dirs: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    places = [(shipped() / "mis", True)]
    for given in dirs:
        if not given.is_dir():
            raise SettingsError(f"{given} is not a folder", key="service.adapter_dirs")
        inner = given / "mis"
        places.append((inner if inner.is_dir() else given, False))
    for place, ours in places:
        if place.is_dir():
            for folder in sorted(place.iterdir()):
                if (folder / "adapter.toml").is_file():
                    yield folder, ours


def _module(file: Path, adapter_id: str, pin: str) -> ModuleType:
    """Import an ``adapter.py``, if it may run.

    Args:
        file: the code.
        adapter_id: of its adapter.
        pin: empty for shipped code, else the sha256 that it must have.
    """
    try:
        code = file.read_bytes()
    except OSError as error:
        raise AdapterInvalid(f"{file}: {error.strerror}") from None
    digest = hashlib.sha256(code).hexdigest()
    if pin and pin.lower() != digest:
        raise AdapterInvalid(
            f"{file}: this code did not come with mis-bridge and may read everything that it can. "
            "Read it, then allow it in config.toml under [service.adapter_pins]: "
            f'{adapter_id} = "{digest}"'
        )
    return _imported(file, adapter_id, digest)


@cache
def _imported(file: Path, adapter_id: str, digest: str) -> ModuleType:
    name = f"mis_bridge_adapter_{adapter_id.replace('-', '_')}_{digest[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise AdapterInvalid(f"{file}: can not be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise AdapterInvalid(
            f"{file}: can not be imported ({type(error).__name__}: {error})"
        ) from error
    return module
