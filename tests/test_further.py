"""The search sets in a test folder: each is scored by its own protocol, or named with a reason."""

import numpy as np
import pytest
from embedding_models import BLUE, RED, MeanColor, plain
from pictures import put

from irlib.data.embeddings import EmbeddingTable
from irlib.evaluation.embedding import Embedder, TableEmbedder
from irlib.evaluation.further import rank_rows, score_further

# Ann is found by her two images; Bob's lie apart, and one of them beside the other's Ann.
FGNET = {"001A05.png": (1, 0), "001A40.png": (2, 0), "002A08.png": (3, 1), "002A50.png": (0, 1)}
# Person 5 has a mate before the stranger, person 6 one behind it; person 7 has none.
TINYFACE = {
    "Probe/5_1.png": (1, 0),
    "Probe/6_1.png": (0, 1),
    "Probe/7_1.png": (1, 1),
    "Gallery_Match/5_2.png": (1, 0),
    "Gallery_Match/6_2.png": (-1, 0),
    "Gallery_Distractor/1.png": (0, 2),
}


@pytest.fixture
def test_dir(tmp_path):
    """A made FG-NET and a made TinyFace, whose files hold nothing."""
    for name in FGNET:
        put(tmp_path / "FGNET-aligned" / name, b"")
    for name in TINYFACE:
        put(tmp_path / "TinyFace" / name, b"")
    return tmp_path


def table(**left_out):
    rows = {f"FGNET-aligned/{name}": row for name, row in FGNET.items()}
    rows |= {f"TinyFace/{name}": row for name, row in TINYFACE.items()}
    rows = {name: row for name, row in rows.items() if name not in left_out.values()}
    return TableEmbedder(EmbeddingTable(np.array(list(rows)), np.array(list(rows.values()))))


def scored(test_dir, embedder=None):
    return score_further(test_dir, embedder or table(), seed=0, repeats=10)


def test_each_set_that_is_there_is_scored_from_a_table_of_the_test_folder(test_dir):
    found, refused = scored(test_dir)
    assert refused == {}
    # Ann's child and Ann's adult find each other; Bob's child is nearer to Ann, his adult to him
    assert found["fgnet"].metrics["all"]["rank_1"] == pytest.approx(3 / 4)
    assert found["fgnet"].metrics["children"]["rank_1"] == pytest.approx(1 / 2)
    assert found["tinyface"].metrics["rank_1"] == pytest.approx(1 / 2)
    assert found["tinyface"].metrics["mated"] == 2


def test_what_is_not_there_is_not_asked_for(tmp_path):
    assert scored(tmp_path) == ({}, {})


def test_a_broken_set_is_named_and_stops_no_other(test_dir):
    put(test_dir / "TinyFace/Probe/nobody.png", b"")
    put(test_dir / "IJBC/readme.txt", b"")
    found, refused = scored(test_dir)
    assert list(found) == ["fgnet"]
    assert "nobody.png: expected <person>_<image>" in refused["tinyface"]
    assert "IJBC" in refused["ijbc"]


def test_an_image_that_the_table_lacks_is_named_with_its_set(test_dir):
    found, refused = scored(test_dir, table(gone="FGNET-aligned/001A40.png"))
    assert list(found) == ["tinyface"]
    assert refused["fgnet"].startswith("1 of 4 images")
    assert "FGNET-aligned/001A40.png: not in the table of embeddings" in refused["fgnet"]


def test_a_network_has_mirrored_images_added_and_a_table_has_not(test_dir):
    for name in FGNET:
        color = RED if name.startswith("001") else BLUE
        put(test_dir / "FGNET-aligned" / name, plain(color))
    network = MeanColor()
    found, refused = scored(test_dir, Embedder(network))
    assert found["fgnet"].metrics["all"]["rank_1"] == 1.0
    assert network.seen == 4  # two colors, and their mirror images
    assert found["fgnet"].metrics["flip"] is True
    assert scored(test_dir)[0]["fgnet"].metrics["flip"] is False
    assert "TinyFace" in refused["tinyface"]  # its files hold nothing


def test_every_search_is_a_row_with_its_shares(test_dir):
    rows = rank_rows(scored(test_dir)[0])
    assert [row["set"] for row in rows] == [
        "FG-NET, all", "FG-NET, children", "FG-NET, adults", "TinyFace"
    ]  # fmt: skip
    assert [row["rank_1"] for row in rows] == pytest.approx([3 / 4, 1 / 2, 1, 1 / 2])
    assert rows[3].keys() >= {"rank_1", "rank_5", "rank_20"}
