"""A source: one domain, one provider or one data set (GB/T 45654-2025, 4.1.1 note 2): `conf/sources/<id>.yaml`."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from corpusgate.settings.chat import MADE_BY_CHAT, Chat
from corpusgate.settings.model import Declared, Identifier, Sha256
from corpusgate.settings.papers import Collection, Commercial, Generator, UserInput

Kind = Literal["open_source", "self_collected", "commercial", "user_input", "synthetic"]
Modality = Literal["text", "code", "image", "audio", "video"]
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^/@\s]+(/\S*)?$")]


class PipChannel(Declared):
    """A wheel fetched by the person's own pip (never a source archive: that would run its build)."""

    type: Literal["pip"]
    package: str = Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]*$")
    file: str = Field(description="file name of the wheel")
    sha256: Sha256


class AptChannel(Declared):
    """A Debian package fetched by the machine's own apt, where it offers the pinned version."""

    type: Literal["apt"]
    package: str = Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+~:-]*$")
    sha256: Sha256


class NpmChannel(Declared):
    """A package fetched by `npm pack`, checked against the registry's own integrity value."""

    type: Literal["npm"]
    package: str = Field(pattern=r"^(@[a-z0-9~_-][a-z0-9._~-]*/)?[a-z0-9~_][a-z0-9._~-]*$")
    version: str = Field(pattern=r"^[0-9][A-Za-z0-9.+-]*$")
    integrity: str = Field(pattern=r"^sha512-[A-Za-z0-9+/]+={0,2}$")


class FolderChannel(Declared):
    """Files that already lie in reachable storage: listed and hashed, not copied."""

    type: Literal["folder"]
    path: str = Field(description="absolute, or relative to the corpusgate folder")
    include: tuple[str, ...] = ("**/*",)


class HttpChannel(Declared):
    """Pages and files by their addresses, from lists of them or from sitemaps: what we collect ourselves (4.1.3 b).

    Robots rules and reservations are asked of each host at fetch time and the stricter wins. Addresses that resolve
    into private networks are refused unless `private_networks` names them.
    """

    type: Literal["http"]
    urls: tuple[Address, ...] = ()
    lists: tuple[str, ...] = Field((), description="files with one address a line, or addresses of such files")
    sitemaps: tuple[Address, ...] = ()
    hosts: tuple[str, ...] = Field((), description="the only hosts asked; empty: those of urls, lists and sitemaps")
    agent: str = Field("corpusgate", pattern=r"^[A-Za-z_-]+$", description="product name, as robots rules write it")
    contact: str | None = Field(None, description="address in the User-Agent, for whoever runs a host")
    delay: float = Field(1.0, ge=0, le=60, description="seconds between two requests to one host")
    timeout: float = Field(30.0, gt=0, le=600, description="seconds that one object may take")
    max_bytes: int = Field(64 << 20, ge=1, description="bytes of one object")
    max_objects: int = Field(100_000, ge=1)
    private_networks: tuple[str, ...] = Field((), description="networks in CIDR form that may be asked all the same")

    @model_validator(mode="after")
    def _something(self) -> HttpChannel:
        if not (self.urls or self.lists or self.sitemaps):
            raise ValueError("give urls, lists or sitemaps")
        for network in self.private_networks:
            ip_network(network)
        return self


class S3Channel(Declared):
    """Objects below a prefix of a bucket. Credentials come from the environment or Airflow's connection, never from
    here."""

    type: Literal["s3"]
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str = ""
    endpoint: Address | None = Field(None, description="of a store that is not Amazon's")
    region: str | None = None
    include: tuple[str, ...] = Field(("**/*",), description="globs over keys below the prefix")
    max_bytes: int = Field(64 << 30, ge=1, description="bytes of one object")
    stay_above: int = Field(
        1 << 20, ge=0, description="bytes above which files of records stay in the store, for intake's workers to read"
    )


Channel = Annotated[
    PipChannel | AptChannel | NpmChannel | FolderChannel | HttpChannel | S3Channel, Field(discriminator="type")
]


class RemovalRule(Declared):
    """Records of this source that are never kept, by a declared field: the rule's name is the reason that is shown."""

    rule: Identifier
    field: str
    not_in: tuple[str, ...] | None = None
    is_in: tuple[str, ...] | None = None
    because: str

    @model_validator(mode="after")
    def _one_test(self) -> RemovalRule:
        if (self.not_in is None) == (self.is_in is None):
            raise ValueError("give exactly one of not_in and is_in")
        return self


class Reader(Declared):
    """How records are read out of what was fetched. `format` names a module under `corpusgate/intake/readers/`."""

    format: str
    include: tuple[str, ...] = Field(("**/*",), description="globs over member paths inside the fetched file or folder")
    exclude: tuple[str, ...] = ()
    encoding: str = Field("auto", description="auto: utf-8-sig, then gb18030, then detection; or a codec's name")
    key: str | None = Field(
        None, description="field that names a record for good; else member path + text hash + ordinal"
    )
    text: str | None = Field(None, description="field that holds the text, where the format has fields")
    chat: Chat | None = Field(
        None, description="fine-tuning data, where the format has fields: turns, prompts, answers"
    )
    fields: dict[str, str] = Field(default_factory=dict, description="record attribute -> field of the source")
    ignore: tuple[str, ...] = Field((), description="fields known and left out on purpose; any other is a signal")
    remove: tuple[RemovalRule, ...] = ()
    options: dict[str, Any] = Field(default_factory=dict, description="what this format alone understands")

    @model_validator(mode="after")
    def _chat_says_the_rest(self) -> Reader:
        if self.chat is not None and self.text is not None:
            raise ValueError("text and chat do not go together: chat names the fields that hold texts")
        if self.chat is not None and (made := [n for n in MADE_BY_CHAT if n in self.fields]):
            raise ValueError(f"fields: {', '.join(made)} cannot be declared beside chat, which makes it")
        return self


class Statement(Declared):
    """Words that decide about a licence: what was read, where, and the hash of the file it stands in."""

    expression: str | None = Field(None, description="SPDX expression as understood; null where none can be read")
    read_from: str | None = Field(None, description="member path inside the fetched file, or an address")
    quote: str | None = Field(None, description="the words themselves; checked to stand in read_from")
    sha256: Sha256 | None = Field(None, description="hash of the file that holds the quote")


class Conclusion(Declared):
    """What a person concluded about the licence, and why. Shipped conclusions are provisional."""

    expression: str
    by: str = Field(description="name or role of who concluded")
    role: str | None = Field(None, description="as what he or she concluded, e.g. counsel")
    at: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    because: str
    provisional: bool = True
    notes: tuple[str, ...] = ()


class LicencePart(Declared):
    """Licence of the part of a source that `include` selects (member paths); most sources have one part."""

    id: Identifier = "all"
    include: tuple[str, ...] = ("**",)
    declared: Statement | None = None
    evidence: tuple[Statement, ...] = Field(
        (), description="further statements that speak for or against the declaration"
    )
    concluded: Conclusion | None = None
    finding: str | None = Field(
        None, description="reason code where nothing could be concluded, e.g. licence_ambiguous"
    )
    contradicted: bool = Field(False, description="the evidence contradicts the declaration: fails instead of pending")


class Parent(Declared):
    """A data set that this one was made from: its licence holds for what was taken over, whatever is said later."""

    title: str
    address: str = Field(description="where it is published")
    version: str
    expression: str | None = Field(description="SPDX expression of its licence; null: nobody knows, which is pending")
    read_from: str | None = Field(None, description="where the licence was read")
    sha256: Sha256 | None = Field(None, description="hash of that text")


class Admission(Declared):
    """The random sample that is assessed before collection (4.1.1 a). The clause gives no size; ours is recorded."""

    sample: int = Field(100, ge=1, description="records; all of them where the source has fewer")


class Expected(Declared):
    """Bounds of what a reader should find, so that a silently broken format is an error."""

    records_min: int = 1
    records_max: int | None = None


class Source(Declared):
    """One source as declared; `id` is the stem of its file."""

    id: Identifier
    title: str
    kind: Kind
    modality: Modality = "text"
    language: str = Field(description="BCP 47, or mul")
    country: str = Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2 of the provider: domestic or overseas")
    category: str
    grade: Literal["general", "important", "core"] | None = Field(
        None, description="grade of the data by the organisation's rules (45652-draft 5 a); category is their class"
    )
    owner: str = Field(description="who answers for the source inside the team (a role)")
    provider: str = Field(
        description="registrable domain, organisation or data set: what counts as one source in 4.1.2"
    )
    description: str = Field(description="platform, period, language, processing state")
    channel: Channel
    reader: Reader
    licence: tuple[LicencePart, ...] = Field((), description="empty: no licence is known")
    derived_from: tuple[Parent, ...] = Field((), description="the chain of data sets behind it, nearest first")
    admission: Admission = Admission()
    expected: Expected = Expected()
    personal_information_basis: str | None = Field(
        None, description="consent or other basis in law (4.2.3), with its document"
    )
    generator: Generator | None = Field(None, description="synthetic: model, version, time; else each record says so")
    commercial: Commercial | None = Field(None, description="commercial: contract, commitments, proof, own review")
    user_input: UserInput | None = Field(None, description="user_input: service and register of authorisations")
    collection: Collection | None = Field(None, description="self_collected: method, tool, operator")
    safety: bool = Field(
        False,
        description="safety fine-tuning data (45674 8.3 a): what the policy's risk_allowed_in names may hold risk",
    )
    fixture: bool = Field(False, description="made by corpusgate to show a rule; said wherever it is shown")

    @model_validator(mode="after")
    def _roles_are_there(self) -> Source:
        reader = self.reader
        if self.safety and reader.chat is None and "role" not in reader.fields:
            raise ValueError("safety: its records have no role; declare reader.chat, or the field of the role")
        if reader.chat is not None and self.user_input is not None and self.user_input.joined_by == "key":
            raise ValueError(
                "user_input.joined_by: key names a conversation here; declare its field under reader.fields"
            )
        return self

    @property
    def purl(self) -> str:
        """Package URL of what is fetched, or `file:` and the folder."""
        c = self.channel
        if isinstance(c, PipChannel):
            return f"pkg:pypi/{c.package}@{c.version}"
        if isinstance(c, AptChannel):
            return f"pkg:deb/debian/{c.package}@{c.version}?arch=all"
        if isinstance(c, NpmChannel):
            return f"pkg:npm/{c.package.replace('@', '%40')}@{c.version}"
        if isinstance(c, HttpChannel):
            return f"web:{(c.urls or c.sitemaps or c.lists)[0]}"
        if isinstance(c, S3Channel):
            return f"s3://{c.bucket}/{c.prefix}"
        return f"file:{c.path}"
