"""CVAT: "CVAT for images 1.1" (annotations.xml), its tags as labels of images.

The owner in the file made the task and annotated nothing: who did is the assignee of the job, stated in the sidecar by
segment or by frames. The export has no hash of an image, so the content cannot be compared: only its name is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from xml.parsers import expat

from corpusgate.annotation.exports.given import Given, record_id_in
from corpusgate.annotation.model import Raw, Refusal

WANTED = 'Export the task as "CVAT for images 1.1" and hand in its annotations.xml.'
_BY_HAND = ("manual", "semi-auto")


@dataclass
class _Image:
    """An image of the file: its frame, name, and tags as (label, source, attributes)."""

    frame: int | None
    name: str
    tags: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


@dataclass
class _File:
    """What is read of the file."""

    task: str | None = None
    dumped: str | None = None
    segments: dict[int, tuple[int, int]] = field(default_factory=dict)
    images: list[_Image] = field(default_factory=list)


def read(given: Given) -> Iterator[Raw | Refusal]:
    """Every tagged image; one without a tag is a draft."""
    read_file = _Reader(given).read()
    for image in read_file.images:
        yield _raw(given, read_file, image)


def _raw(given: Given, file: _File, image: _Image) -> Raw | Refusal:
    attributes = {name: value for _, _, found in image.tags for name, value in found.items()}
    record = record_id_in(attributes.get(given.sidecar.item), PurePosixPath(image.name).stem)
    pointer = f"image {image.frame if image.frame is not None else '?'}"
    annotator = _assignee(given, file, image.frame)
    by_hand = [label for label, source, _ in image.tags if source in _BY_HAND]
    labels = tuple(by_hand or (label for label, _, _ in image.tags))
    return Raw(
        pointer=pointer, item=image.name[:120], labels=labels, key=f"{image.name}:{annotator}" if annotator else None,
        project=file.task, record_id=record, batch_id=attributes.get("batch_id"),
        rule_version=attributes.get("rule_version"), annotator_keys=(annotator,) if annotator else (),
        state="submitted" if labels else "draft", is_machine=bool(labels) and not by_hand,
        exported_at=file.dumped, origin={"annotator_id": "sidecar", "text_sha256": "map"},
    )  # fmt: skip


def _assignee(given: Given, file: _File, frame: int | None) -> str | None:
    """Who the sidecar says worked on the frame; None where nobody or more than one person is named."""
    if frame is None:
        return given.sidecar.annotator
    people = set()
    for job in given.sidecar.jobs:
        span = file.segments.get(job.segment) if job.segment is not None else (job.first, job.last)
        if span is not None and span[0] is not None and span[1] is not None and span[0] <= frame <= span[1]:
            people.add(job.annotator)
    return people.pop() if len(people) == 1 else (given.sidecar.annotator if not people else None)


class _Reader:
    """Reads the XML event by event. A document type or an entity is refused before anything is expanded."""

    def __init__(self, given: Given) -> None:
        self.given, self.file = given, _File()
        self.path: list[str] = []
        self.text: list[str] = []
        self.segment: dict[str, str] = {}
        self.attribute = ""

    def read(self) -> _File:
        """Raises UserError where the file is no such XML."""
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self.text.append
        try:
            parser.Parse(self.given.content(), True)
        except expat.ExpatError as error:
            raise self.given.wrong(f"no XML: {error}", WANTED) from None
        if not self.path and not self.file.images and self.file.dumped is None:
            raise self.given.wrong("no image and no meta in it", WANTED)
        return self.file

    def _refuse(self, *_: object) -> None:
        raise self.given.wrong("it declares a document type or entities, which no export does", WANTED)

    def _start(self, name: str, given: dict[str, str]) -> None:
        self.path.append(name)
        self.text.clear()
        if name == "image":
            frame = given.get("id", "")
            self.file.images.append(_Image(int(frame) if frame.isdigit() else None, given.get("name", "")))
        elif name == "tag" and self.file.images:
            self.file.images[-1].tags.append((given.get("label", ""), given.get("source", "manual"), {}))
        elif name == "attribute":
            self.attribute = given.get("name", "")

    def _end(self, name: str) -> None:
        text = "".join(self.text).strip()
        self.text.clear()
        self.path.pop()
        if name == "attribute" and self.file.images and self.file.images[-1].tags:
            self.file.images[-1].tags[-1][2][self.attribute] = text
        elif name == "dumped":
            self.file.dumped = text
        elif name == "id" and self.path[-1:] == ["task"]:
            self.file.task = text
        elif self.path[-1:] == ["segment"]:
            self.segment[name] = text
        elif name == "segment":
            self._segment()

    def _segment(self) -> None:
        numbers = [self.segment.get(part, "") for part in ("id", "start", "stop")]
        self.segment = {}
        if all(n.isdigit() for n in numbers):
            self.file.segments[int(numbers[0])] = (int(numbers[1]), int(numbers[2]))
