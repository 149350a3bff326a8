import gzip
import io
import stat
import struct
import tarfile
import warnings
import zipfile

import numpy as np
import pytest

from irlib.data import archives
from irlib.data.archives import unpack_archive

FILES = {"casia/000001/1.jpg": b"one", "casia/000002/1.jpg": bytes(5000), "readme.txt": b""}


def zipped(path, files=FILES, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in dict(files).items():
            archive.writestr(name, content)
    return path


def zipped_raw(path, *names):
    """A zip that may repeat names, or hold ones that zipfile would mend."""
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that repeat
        for name in names:
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, b"content")
    return path


def tarred(path, files=FILES, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in list(dict(files).items()):
            add(archive, name, content)
    return path


def add(archive, name, content=b"", **values):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in values.items():
        setattr(info, key, value)
    archive.addfile(info, io.BytesIO(content))


def unpacked(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(path, message, error=ValueError):
    """Nothing is left beside the archive."""
    before = set(path.parent.iterdir())
    with pytest.raises(error, match=message):
        unpack_archive(path, path.parent / "out")
    assert set(path.parent.iterdir()) == before


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_zip_is_unpacked(tmp_path, method):
    path = zipped(tmp_path / "a.zip", method=method)
    assert unpack_archive(path, tmp_path / "out") == 3
    assert unpacked(tmp_path / "out") == FILES


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_unpacked(tmp_path, mode):
    path = tarred(tmp_path / "a.whatever", mode=mode)
    assert unpack_archive(path, tmp_path / "out") == 3
    assert unpacked(tmp_path / "out") == FILES


def test_a_tar_with_folders_and_dots_is_unpacked(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for _ in range(2):  # folders may come again
            add(archive, "./", type=tarfile.DIRTYPE)
            add(archive, "./a b", type=tarfile.DIRTYPE)
        add(archive, "./a b//張.jpg", b"x")
        add(archive, "..hidden..jpg", b"y")
    assert unpack_archive(tmp_path / "a.tar", tmp_path / "out") == 2
    assert unpacked(tmp_path / "out") == {"a b/張.jpg": b"x", "..hidden..jpg": b"y"}


def test_the_folders_above_the_target_are_made(tmp_path):
    path = zipped(tmp_path / "a.zip")
    unpack_archive(path, tmp_path / "data/casia/raw")
    assert unpacked(tmp_path / "data/casia/raw") == FILES


def test_names_of_any_script_that_are_not_marked_as_utf8_are_read(tmp_path):
    # as macOS writes them: UTF-8 without the flag; zipfile itself would give b'...' in cp437
    path = zipped(tmp_path / "a.zip", {"張/é.jpg": b"x"})
    data = bytearray(path.read_bytes())
    for start, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.index(start) + offset
        data[at : at + 2] = struct.pack("<H", 0)
    path.write_bytes(data)
    unpack_archive(path, tmp_path / "out")
    assert unpacked(tmp_path / "out") == {"張/é.jpg": b"x"}


def test_progress_is_told_in_bytes(tmp_path):
    told = []
    unpack_archive(
        zipped(tmp_path / "a.zip"),
        tmp_path / "out",
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(3, 5003), (5003, 5003)]


def test_modes_of_the_archive_are_not_taken_over(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        add(archive, "a", b"x", mode=0o4777)
    unpack_archive(tmp_path / "a.tar", tmp_path / "out")
    (tmp_path / "plain").touch()
    assert (tmp_path / "out/a").stat().st_mode == (tmp_path / "plain").stat().st_mode


CLIMBING = ["../a", "a/../../b", "/etc/a", "C:/a", "C:a", "a\\b", "..\\a", "..", "a/.."]


@pytest.mark.parametrize("name", CLIMBING)
def test_a_path_that_climbs_out_of_a_zip_is_refused(tmp_path, name):
    refused(zipped_raw(tmp_path / "a.zip", "fine", name), "leads out of the folder")


@pytest.mark.parametrize("name", CLIMBING)
def test_a_path_that_climbs_out_of_a_tar_is_refused(tmp_path, name):
    path = tarred(tmp_path / "a.tar", {"fine": b"x", name: b"y"})
    refused(path, "leads out of the folder")


def test_a_folder_that_climbs_out_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        add(archive, "a", b"x")
        add(archive, "../b", type=tarfile.DIRTYPE)
    refused(tmp_path / "a.tar", "leads out of the folder")


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        add(archive, "a", b"x")
        add(archive, "b", type=kind, linkname="/etc/passwd")
    refused(tmp_path / "a.tar", "'b' is a link or a device")


def test_a_link_in_a_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("b")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    refused(tmp_path / "a.zip", "'b' is a link or a device")


@pytest.mark.parametrize(
    "names",
    [
        ("a.jpg", "a.jpg"),
        ("a.jpg", "A.JPG"),
        ("Ann/1.jpg", "ann/2.jpg"),  # two people in one folder, where case does not count
        ("é.jpg", "e\u0301.jpg"),  # one letter, composed and not
        ("a", "a/b"),
        ("a/b", "a"),
        ("a/b/c", "A/b"),
    ],
)
def test_names_that_are_one_on_some_systems_are_refused(tmp_path, names):
    refused(zipped_raw(tmp_path / "a.zip", *names), "comes twice")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name in names:
            add(archive, name, b"x")
    refused(tmp_path / "a.tar", "comes twice")


def test_an_encrypted_zip_is_refused_with_advice(tmp_path):
    path = zipped(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1  # the flag in the directory
    path.write_bytes(data)
    refused(path, "is encrypted; unpack it yourself with the password of its owners")


def test_an_unknown_compression_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 10] = 9  # deflate64, as Windows makes of large files
    path.write_bytes(data)
    refused(path, "compressed by method 9")


def test_a_zip_larger_than_the_disk_is_refused(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip")
    usage = type("Usage", (), {"free": 5000})
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: usage)
    refused(path, "unpacks to 5,003 bytes, but .* has 5,000 free")


def test_a_zip_with_more_in_it_than_it_says_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a": bytes(10_000)})
    data = path.read_bytes().replace(struct.pack("<I", 10_000), struct.pack("<I", 10))
    path.write_bytes(data)
    refused(path, "damaged|is not of the 10 bytes")


def test_a_zip_with_less_in_it_than_it_says_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a": bytes(10_000)}, zipfile.ZIP_DEFLATED)
    data = path.read_bytes().replace(struct.pack("<I", 10_000), struct.pack("<I", 20_000))
    path.write_bytes(data)
    refused(path, "damaged|is not of the 20000 bytes")


NOISE = {f"{i}.jpg": np.random.default_rng(i).bytes(3000) for i in range(5)}


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_a_zip_cut_short_is_refused(tmp_path, share):
    path = zipped(tmp_path / "a.zip", NOISE)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    refused(path, r"a\.zip: damaged, or cut short")


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_a_packed_tar_cut_short_is_refused(tmp_path, mode, share):
    path = tarred(tmp_path / "a.tar", NOISE, mode)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    refused(path, r"a\.tar: damaged, or cut short")


@pytest.mark.parametrize("size", [700, 512 + 3072, 3 * (512 + 3072), 3 * (512 + 3072) + 100])
def test_a_tar_cut_short_even_between_two_files_is_refused(tmp_path, size):
    path = tarred(tmp_path / "a.tar", NOISE)  # a header of 512 bytes, 3000 padded to 3072
    path.write_bytes(path.read_bytes()[:size])
    refused(path, r"a\.tar: damaged, or cut short")


def test_a_tar_damaged_between_two_files_is_refused(tmp_path):
    path = tarred(tmp_path / "a.tar", NOISE)
    data = bytearray(path.read_bytes())
    data[2 * 3584 : 2 * 3584 + 100] = b"x" * 100  # the header of the third file
    path.write_bytes(data)
    refused(path, r"a\.tar: damaged, or cut short")


@pytest.mark.parametrize("kind", ["a.zip", "a.tar"])
def test_a_changed_byte_is_refused_or_harmless(tmp_path, kind):
    # a zip and a gzip hold checksums: what is unpacked is what was packed, or nothing
    path = tmp_path / kind
    whole = (zipped(path, NOISE) if kind == "a.zip" else tarred(path, NOISE, "w:gz")).read_bytes()
    generator = np.random.default_rng(0)
    for number in range(150):
        data = bytearray(whole)
        data[generator.integers(len(data))] ^= 1 << generator.integers(8)
        path.write_bytes(data)
        try:
            unpack_archive(path, tmp_path / str(number))
        except ValueError:
            assert not (tmp_path / str(number)).exists()
        else:
            assert sorted(unpacked(tmp_path / str(number)).values()) == sorted(NOISE.values())


@pytest.mark.parametrize(
    "content", [b"", b"7z\xbc\xaf\x27\x1c" + bytes(600), b"Rar!\x1a\x07", b"<html>" * 200]
)
def test_another_kind_of_file_is_refused_with_the_kinds_that_are_not(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path / "a.zip", "no archive that can be unpacked here; expected zip, tar, tar.gz")


def test_a_packed_file_that_is_no_tar_is_refused(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"text" * 1000))
    refused(tmp_path / "a.gz", r"a\.gz: damaged")


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_without_a_file_is_refused(tmp_path, pack):
    refused(pack(tmp_path / "a.archive", {}), "holds no file|no archive")


def test_a_missing_archive_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.zip: no such archive"):
        unpack_archive(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize("taken", ["out", "out.partial"])
def test_what_is_there_is_left_alone(tmp_path, taken):
    (tmp_path / taken).mkdir()
    (tmp_path / taken / "mine.txt").write_text("mine")
    refused(zipped(tmp_path / "a.zip"), "remove", FileExistsError)
    assert (tmp_path / taken / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_unpacking_that_is_broken_off_leaves_nothing(tmp_path, error):
    def stop(done, total):
        raise error

    path = zipped(tmp_path / "a.zip")
    with pytest.raises(type(error)):
        unpack_archive(path, tmp_path / "out", progress=stop)
    assert list(tmp_path.iterdir()) == [path]
