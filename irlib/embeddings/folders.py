"""A folder of photographs to a table of embeddings."""

from collections.abc import Callable
from pathlib import Path

from irlib.embeddings.listing import photographs_below
from irlib.embeddings.photographs import Embedded, PhotoEmbedder


def embed_folder(
    folder: Path,
    embedder: PhotoEmbedder,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Embedded:
    """The embedding of every image below a folder; `.table` has them by path below it.

    With a cache in the embedder, work that stopped goes on where it was.

    Args:
        folder: folders of any depth; other files are passed over.
        embedder: finds, cuts and embeds the faces.
        progress: told the images done and in all.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there is no image below it, or the model gives no finite embeddings.
    """
    images, _ = photographs_below(folder)
    return embedder.embed(images, progress=progress)
