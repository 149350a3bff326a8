"""Who is on a photograph, among the people of a gallery.

Shapes: N photographs, C people, D embedding size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from irlib.embeddings.cutting import Failure
from irlib.embeddings.galleries import Gallery
from irlib.embeddings.listing import photographs
from irlib.embeddings.photographs import PhotoEmbedder, unit


@dataclass(frozen=True)
class Identified:
    """The people of a gallery that a photograph is most like.

    Args:
        name: the photograph.
        people: the most alike first; ties in the order of the gallery.
        cosines: of each.
        norm: length of its embedding, a score of quality.
        threshold: cosine at or above which the first one counts as the person; None: not said.
    """

    name: str
    people: tuple[str, ...]
    cosines: tuple[float, ...]
    norm: float
    threshold: float | None = None

    @property
    def is_known(self) -> bool | None:
        """Whether the best cosine reaches the threshold, None without one."""
        return None if self.threshold is None else self.cosines[0] >= self.threshold


@dataclass(frozen=True)
class Identification:
    """What a search found.

    Args:
        found: a result for each photograph that gave an embedding, in the order given.
        failures: the others.
        notes: (name, remark), such as a choice among several faces or another detector.
    """

    found: tuple[Identified, ...]
    failures: tuple[Failure, ...]
    notes: tuple[tuple[str, str], ...]


def identify(
    paths: Sequence[Path],
    gallery: Gallery,
    embedder: PhotoEmbedder,
    *,
    top: int = 5,
    threshold: float | None = None,
) -> Identification:
    """The people of a gallery that each photograph is most like, by cosine.

    Args:
        paths: of the photographs.
        gallery: C people.
        embedder: of the model that made the gallery.
        top: people to tell, at least 1; all of a smaller gallery.
        threshold: cosine in [-1, 1] at or above which the first one counts as the person.

    Raises:
        FileNotFoundError: a photograph is not there.
        ValueError: a gallery of another model or with another setting of flip, a photograph given
            twice, or numbers outside their bounds.
    """
    if top < 1:
        raise ValueError(f"top {top}: expected at least 1")
    if threshold is not None and not -1 <= threshold <= 1:
        raise ValueError(f"threshold {threshold}: expected a cosine, -1 to 1")
    require_same_model(gallery, embedder)
    embedded = embedder.embed(photographs(paths))
    if not len(embedded.rows):
        return Identification((), embedded.failures, embedded.notes)
    if embedded.embeddings.shape[1] != gallery.templates.shape[1]:
        raise ValueError(
            f"embeddings of {embedded.embeddings.shape[1]} numbers, the gallery's have "
            f"{gallery.templates.shape[1]}"
        )
    cosine = unit(embedded.embeddings) @ gallery.templates.T  # (N, C)
    order = np.argsort(-cosine, axis=1, kind="stable")[:, :top]
    norms = np.linalg.norm(embedded.embeddings, axis=1)
    found = tuple(
        Identified(
            embedded.names[photograph],
            tuple(gallery.people[person] for person in order[row]),
            tuple(cosine[row, order[row]].tolist()),
            float(norms[row]),
            threshold,
        )
        for row, photograph in enumerate(embedded.rows.tolist())
    )
    return Identification(found, embedded.failures, embedded.notes + _notes(gallery, embedder))


def require_same_model(gallery: Gallery, embedder: PhotoEmbedder) -> None:
    """See that a gallery can be compared with what an embedder makes.

    Raises:
        ValueError: it was made by another model, or with another setting of flip.
    """
    theirs, ours = gallery.settings["digest"], embedder.digest
    if theirs != ours:
        raise ValueError(
            f"the gallery was made by another model (digest {theirs[:12] or 'unknown'}, now "
            f"{ours[:12] or 'none'}); their embeddings cannot be compared: enrol again"
        )
    if gallery.settings["flip"] != embedder.flip:
        raise ValueError(
            f"the gallery was made with flip {gallery.settings['flip']}, now {embedder.flip}"
        )


def _notes(gallery: Gallery, embedder: PhotoEmbedder) -> tuple[tuple[str, str], ...]:
    theirs, ours = gallery.settings["detector"], embedder.settings["detector"]
    if theirs and ours and theirs != ours:
        return (("gallery", "its faces were found by another detector, which shifts cosines"),)
    return ()
