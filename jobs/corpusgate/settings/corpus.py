"""A corpus: what is built, and everything that a verdict depends on. Declared in `conf/corpora/<id>.yaml`."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Literal

from pydantic import Field, model_validator

from corpusgate.settings.model import Declared, Identifier, QualitySign
from corpusgate.settings.source import Modality
from corpusgate.settings.test_set import TestSetTreatment

Treatment = Literal["mask", "remove", "keep"]


class NearDuplicates(Declared):
    """What makes two texts near duplicates: both bounds, on their near form (see docs/adr/0045-near-duplicates.md).

    Pairs below 0.4 and 0.7 are not stored, so no policy can ask for them.
    """

    jaccard: float = Field(0.4, ge=0.4, le=1, description="least Jaccard similarity of their runs of 5 characters")
    overlap: float = Field(0.85, ge=0.7, le=1, description="least share of their characters in runs of 5 in common")


class AskHosts(Declared):
    """That a rebuild may go out to the net: it asks the hosts of what was found on the web whether they still permit
    mining, politely and once a day."""

    agent: str = Field("corpusgate", pattern=r"^[A-Za-z_-]+$", description="product name, as robots rules write it")
    contact: str | None = Field(None, description="address in the User-Agent, for whoever runs a host")
    delay: float = Field(1.0, ge=0, le=60, description="seconds between two requests to one host")
    timeout: float = Field(10.0, gt=0, le=600, description="seconds that one answer may take")
    hosts_max: int = Field(10_000, ge=1, description="hosts asked in one rebuild, those longest not asked first")
    unreachable: Literal["keep", "refuse"] = Field(
        "keep", description="of a host that does not answer: what it said last, or no"
    )
    private_networks: tuple[str, ...] = Field((), description="networks in CIDR form that may be asked all the same")

    @model_validator(mode="after")
    def _networks(self) -> AskHosts:
        for network in self.private_networks:
            ip_network(network)
        return self


class Policy(Declared):
    """What is removed, what is masked, what goes to people. Decisions follow it; findings do not depend on it."""

    lexicon: Identifier = Field(description="folder under conf/lexicons")
    remove_at: float = Field(1.0, gt=0, description="a text whose keyword weights add up to this is removed")
    personal_information: dict[str, Treatment] = Field(description="class -> treatment; others are masked")
    remove_languages_not_served: bool = True
    risk_allowed_in: tuple[Literal["prompt", "rejected"], ...] = Field(
        (), description="roles that may hold risk in sources of safety data (45674 8.3 a); a chosen answer never may"
    )
    test_sets: dict[Identifier, TestSetTreatment] = Field(
        {}, description="file under conf/test_sets -> whether records that overlap with it are reported or removed"
    )
    remove_signs: tuple[QualitySign, ...] = Field((), description="signs of poor text (q_...) that remove a record")
    near_duplicates: NearDuplicates | None = Field(NearDuplicates(), description="null: near duplicates stay")
    admission_by_people: float = Field(
        0.0, ge=0, le=1, description="share of each admission sample that people judge before a source is admitted"
    )
    source_by_people: float = Field(
        0.0, ge=0, le=1, description="records with a person's verdict before 4.1.1 b is judged, per admission sample"
    )
    ask_hosts: AskHosts | None = Field(None, description="null: a rebuild asks no host of what it already holds")
    errored_share_max: float = Field(0.01, ge=0, le=1, description="errored share of a source's items that holds it")
    review_sample: int = Field(4000, ge=1, description="items of each modality for people (B.2.1.2.1 a)")
    review_double_share: float = Field(0.10, ge=0, le=1, description="share of a sample that two people judge")
    review_wait_days: int = Field(60, ge=1, description="days after which a filing that waits for people is given up")
    technical_share: float = Field(0.10, gt=0, le=1, description="share of each modality for the technical sample (b)")


class Corpus(Declared):
    """One corpus as declared; `id` is the stem of its file and part of the release's id."""

    id: Identifier
    title: str
    intended_use: Literal["pre_training", "fine_tuning"]
    commercial: bool
    redistributed: bool = Field(False, description="whether the corpus itself is handed on")
    languages: tuple[str, ...]
    modalities: tuple[Modality, ...] = ("text",)
    service_type: str
    high_safety_service: bool = Field(False, description="A.5 names the service type: A.5 counts in pass rates")
    item_unit: str = Field(description="what one item is, per record: document, article, ...")
    tokenizer: str | None = None
    home_country: str = Field(pattern=r"^[A-Z]{2}$")
    seed: str = Field(pattern=r"^[A-Za-z0-9._:/-]+$", description="of every draw; recorded with the sample")
    sources: tuple[Identifier, ...]
    benign_sources: tuple[Identifier, ...] = Field(
        (), description="sources taken as harmless where `lexicon lint` measures what a word costs"
    )
    banks: tuple[Identifier, ...] = Field((), description="keyword libraries and question banks of the service (B.1)")
    policy: Policy
    channels: tuple[Literal["trial", "filing"], ...] = ("trial", "filing")

    @model_validator(mode="after")
    def _each_once(self) -> Corpus:
        """A source named twice would be read twice, and every record of it would stand twice in the accounts."""
        for name in ("sources", "benign_sources", "banks", "languages", "modalities"):
            given = getattr(self, name)
            if twice := sorted({x for x in given if given.count(x) > 1}):
                raise ValueError(f"{name} has {', '.join(twice)} more than once")
        return self
