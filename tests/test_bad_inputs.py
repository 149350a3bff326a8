"""Bad inputs over all readers, in one place: a clear error, or a listed quarantine; never a number.

Each function below builds one bad input in a folder and gives it to the reader that a user would
meet it in. `refused` ones must raise, with a message that fits; `listed` ones must give remarks, of
which one fits. In the patterns, `~` stands for the folder.
"""

import io
import os
import pickle
import re
import shutil
import struct
import tarfile
import zipfile

import numpy as np
import pictures
import pytest
from pictures import jpeg
from PIL import Image

from irlib.data import align, open_faces, read_bin, read_pairs
from irlib.data.ages import read_age_labels
from irlib.data.alignment.detection import Detector
from irlib.data.alignment.finders import FgnetPoints, Given
from irlib.data.alignment.folder import align_folder
from irlib.data.alignment.landmarks import five_of_68, read_landmarks, read_pts
from irlib.data.archives import unpack_archive
from irlib.data.checking import check_images
from irlib.data.keys import image_keys
from irlib.data.manifests import read_manifest
from irlib.data.overlap import overlap
from irlib.data.pairs.matching import matched
from irlib.data.recordio import pack
from irlib.data.recordio.framing import framed, with_header
from irlib.data.sets import catalog
from irlib.data.sets.cacd_vs import read_cacd_vs
from irlib.data.sets.crossage import read_faces
from irlib.data.sets.ijb import read_ijb
from irlib.data.sets.leave_one_out import read_fgnet_loo
from irlib.data.sets.tinyface import read_tinyface

REFUSED, LISTED = {}, {}
FACE = np.array([(30, 40), (70, 40), (50, 65), (35, 85), (65, 85)], dtype=float)
LINE = "30 40 70 40 50 65 35 85 65 85 0.9"  # the same, as lists have it


def refused(pattern, kind=ValueError):
    def register(build):
        REFUSED[build.__name__] = (build, kind, pattern)
        return build

    return register


def listed(pattern):
    def register(build):
        LISTED[build.__name__] = (build, pattern)
        return build

    return register


CROP = jpeg()


def put(path, data=CROP):
    return pictures.put(path, data)


def folder(home):
    """Six crops of two people."""
    for number in range(6):
        put(home / f"set/{number // 3}/{number + 1}.jpg", jpeg(number))
    return home / "set"


def broken(path):
    """Names and reasons of what a preparation sets aside."""
    return [f"{name}: {reason}" for name, reason in check_images(open_faces(path).images).broken]


def test_there_are_as_many_as_was_promised():
    assert len(REFUSED) + len(LISTED) >= 45


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path, name):
    build, kind, pattern = REFUSED[name]
    with pytest.raises(kind) as error:
        build(tmp_path)
    assert isinstance(error.value, ValueError | OSError)
    assert re.search(pattern.replace("~", re.escape(str(tmp_path))), str(error.value))


@pytest.mark.parametrize("name", LISTED)
def test_listed(tmp_path, name):
    build, pattern = LISTED[name]
    remarks = [str(remark) for remark in build(tmp_path)]
    pattern = pattern.replace("~", re.escape(str(tmp_path)))
    assert any(re.search(pattern, remark) for remark in remarks), remarks


# Record sets


def records(home):
    faces = open_faces(folder(home))
    pack(faces.images, faces.labels, home / "rec")
    return home / "rec/train.rec"


def index_lines(rec):
    return rec.with_suffix(".idx").read_text().splitlines()


def rewritten(rec, lines):
    put(rec.with_suffix(".idx"), "".join(f"{line}\n" for line in lines))
    return rec


def overwritten(rec, key, data, shift=0):
    """The record set with some bytes of one record replaced."""
    place = int(index_lines(rec)[key].split()[1]) + shift
    content = rec.read_bytes()
    return put(rec, content[:place] + data + content[place + len(data) :])


@refused(r"~/rec/train\.idx: key \d+ is at byte \d+; expected .* within the \d+ bytes of train\.re")
def a_rec_cut_in_half(home):
    rec = records(home)
    open_faces(put(rec, rec.read_bytes()[: rec.stat().st_size // 2]))


@refused(r"train\.idx: key 3 is at byte 99999996")
def an_index_that_points_past_the_end(home):
    rec = records(home)
    lines = index_lines(rec)
    open_faces(rewritten(rec, [*lines[:3], "3\t99999996", *lines[4:]]))


@refused(r"train\.rec: record 2 at byte \d+: magic word 58585858, expected 0a23d7ce")
def a_wrong_magic_word(home):
    open_faces(overwritten(records(home), 2, b"XXXX")).read(1)


@refused(r"train\.rec: record 2 at byte \d+: \d+ bytes long, which is past the end of the file")
def a_record_longer_than_its_file(home):
    open_faces(overwritten(records(home), 2, b"\xff\xff\xff\x1f", shift=4)).read(1)


@refused(r"train\.rec: record 2 at byte \d+: \d+ bytes long, but no record follows there")
def a_record_of_a_wrong_length(home):
    open_faces(overwritten(records(home), 2, struct.pack("<I", 40), shift=4)).read(1)


@refused(r"train\.rec: record 0 at byte 0: labels nan and 9")
def a_record_0_of_nan(home):
    open_faces(overwritten(records(home), 0, struct.pack("<f", np.nan), shift=32))


@refused(r"record 0 announces 6 images and 2 identity records, but the index lists 6 and 1")
def an_index_that_lost_its_last_line(home):
    rec = records(home)
    open_faces(rewritten(rec, index_lines(rec)[:-1]))


@refused(r"train\.idx: no such file; it is the index", FileNotFoundError)
def a_rec_without_its_index(home):
    rec = records(home)
    rec.with_suffix(".idx").unlink()
    open_faces(rec)


@refused(r"train\.idx: no record is listed")
def an_empty_index(home):
    open_faces(rewritten(records(home), []))


@refused(r"train\.idx: line 3 is 'two\\t64'; expected `key<TAB>offset`")
def an_index_of_words(home):
    rec = records(home)
    open_faces(rewritten(rec, [*index_lines(rec)[:2], "two\t64"]))


@refused(r"train\.idx: key 1 stands on more than one line")
def an_index_with_a_key_twice(home):
    rec = records(home)
    lines = index_lines(rec)
    open_faces(rewritten(rec, [*lines, lines[1]]))


@refused(r"train\.idx: offset \d+ stands on more than one line")
def an_index_with_a_place_twice(home):
    rec = records(home)
    lines = index_lines(rec)
    open_faces(rewritten(rec, [*lines, f"99\t{lines[1].split()[1]}"]))


@refused(r"train\.rec: record 1 at byte 0: label nan; expected a whole number")
def a_label_that_is_nan(home):
    put(home / "rec/train.idx", "1\t0\n")
    open_faces(put(home / "rec/train.rec", framed(with_header(CROP, np.nan, 1))))


@refused(r"train\.rec: record 1 at byte 0: no image behind its header")
def a_record_without_an_image(home):
    put(home / "rec/train.idx", "1\t0\n")
    open_faces(put(home / "rec/train.rec", framed(with_header(b"", 0, 1)))).read(0)


@refused(r"train\.rec: record 1 at byte 0: magic word .*, expected 0a23d7ce")
def a_rec_that_is_text(home):
    put(home / "rec/train.idx", "1\t0\n")
    open_faces(put(home / "rec/train.rec", "not a record file\n" * 9))


@refused(r"train\.idx: no training set by itself")
def an_index_for_a_rec(home):
    open_faces(records(home).with_suffix(".idx"))


@refused(r"train\.rec: ", (ValueError, OSError))
def a_rec_cut_while_it_is_read(home):
    rec = records(home)
    faces = open_faces(rec)
    os.truncate(rec, 64)
    faces.read(5)


@listed(r"not a readable image")
def a_record_whose_jpeg_is_cut(home):
    put(home / "set/0/1.jpg", CROP[:900])
    put(home / "set/0/2.jpg", CROP)
    faces = open_faces(home / "set")
    pack(faces.images, faces.labels, home / "rec")
    return broken(home / "rec")


# Image folders


@refused(r"~/gone: no such file or folder; expected a folder of identities", FileNotFoundError)
def a_set_that_is_not_there(home):
    open_faces(home / "gone")


@refused(r"~/set: no image in any sub-folder")
def an_empty_folder(home):
    (home / "set").mkdir()
    open_faces(home / "set")


@refused(r"~/set: no image in any sub-folder; .*; ~/set/imgs holds such folders")
def a_set_in_one_more_folder(home):
    put(home / "set/imgs/1/1.jpg")
    open_faces(home / "set")


@refused(r"~/set: folders 7 and 007 mean one number|~/set: folders 007 and 7 mean one number")
def two_folders_of_one_number(home):
    put(home / "set/7/1.jpg")
    put(home / "set/007/1.jpg")
    open_faces(home / "set")


@listed(r"^3/$")
def an_empty_class(home):
    (folder(home) / "3").mkdir()
    return open_faces(home / "set").stray


@listed(r"^1/readme\.txt$")
def a_file_that_is_no_image(home):
    put(folder(home) / "1/readme.txt", "words")
    return open_faces(home / "set").stray


@listed(r"^loop$")
def a_link_that_leads_to_itself(home):
    (folder(home) / "loop").symlink_to("loop")
    return open_faces(home / "set").stray


@listed(r"^1/gone\.jpg$")
def a_link_that_leads_nowhere(home):
    (folder(home) / "1/gone.jpg").symlink_to(home / "nothing.jpg")
    return open_faces(home / "set").stray


@refused(r"^1/5\.jpg: no such image below ~/set$")
def a_file_that_vanishes_while_it_is_read(home):
    faces = open_faces(folder(home))
    (home / "set/1/5.jpg").unlink()
    faces.read(4)


@listed(r"^1/5\.jpg: not a readable image")
def an_image_of_no_bytes(home):
    put(folder(home) / "1/5.jpg", b"")
    return broken(home / "set")


@listed(r"^1/5\.jpg: not a readable image")
def an_image_that_is_cut(home):
    put(folder(home) / "1/5.jpg", CROP[:-900])
    return broken(home / "set")


@listed(
    r"^1/5\.jpg: 250x250 pixels, expected an aligned 112x112 crop; `python -m irlib\.data align`"
)
def an_image_that_is_not_aligned(home):
    put(folder(home) / "1/5.jpg", jpeg(size=250))
    return broken(home / "set")


@listed(r"^1/5\.png: ")
def an_image_that_claims_to_be_huge(home):
    file = io.BytesIO()
    Image.new("L", (112, 112)).save(file, "PNG")
    header = file.getvalue()
    huge = header[:16] + struct.pack(">II", 60_000, 60_000) + header[24:]
    put(folder(home) / "1/5.png", huge)
    return broken(home / "set")


# List files


def list_file(home, text):
    folder(home)
    return put(home / "list.txt", text)


@refused(r"~/list\.txt: 1 bad lines; .*\n  line 2: 'set/0/2\.jpg' does not end in a label")
def a_listed_image_without_a_label(home):
    open_faces(list_file(home, "set/0/1.jpg 0\nset/0/2.jpg\n"))


@refused(r"list\.txt: .*\n  line 1: '\.\./1\.jpg' leads out of the list's folder")
def a_list_that_climbs_out(home):
    open_faces(list_file(home, "../1.jpg 0\n"))


@refused(r"list\.txt: .*\n  line 3: 'set/0/1\.jpg' stands on line 1 already")
def a_list_with_an_image_twice(home):
    open_faces(list_file(home, "set/0/1.jpg 0\nset/0/2.jpg 0\nset/./0/1.jpg 1\n"))


@refused(r"list\.txt: .*\n  line 1: .* is not UTF-8")
def a_list_that_is_not_utf_8(home):
    open_faces(list_file(home, b"set/0/\xff.jpg 0\n"))


@refused(r"list\.txt: .*\n  line 1: .* does not end in a label")
def a_list_of_negative_labels(home):
    open_faces(list_file(home, "set/0/1.jpg -1\n"))


@refused(r"list\.txt: no line; expected lines `path label`")
def an_empty_list(home):
    open_faces(list_file(home, b"\xef\xbb\xbf\r\n"))


@refused(r"list\.txt: none of its 2 images is there, not 'a/1\.jpg'")
def a_list_of_images_that_are_gone(home):
    open_faces(list_file(home, "a/1.jpg 0\na/2.jpg 0\n"))


@listed(r"^a/1\.jpg$")
def a_list_of_which_an_image_is_gone(home):
    return open_faces(list_file(home, "a/1.jpg 0\nset/0/1.jpg 0\n")).stray


def test_a_list_with_crlf_and_a_byte_order_mark_is_read(tmp_path):
    path = list_file(tmp_path, b"\xef\xbb\xbfset/0/1.jpg\t5\r\nset/1/4.jpg\t9\r\n")
    faces = open_faces(path)
    assert faces.class_names == ("5", "9")
    assert faces.images.encoded(0) == jpeg(0)
    assert faces.stray == ()


# Age labels


def ages(home, text):
    return read_age_labels(put(home / "ages.txt", text))


@refused(r"~/gone\.txt: no such file; expected lines `id path age gender`", FileNotFoundError)
def ages_that_are_not_there(home):
    open_faces(folder(home), home / "gone.txt")


@refused(r"~/ages\.txt: no line gives an age; .*; line 1: age 'nan', expected 0 to 130 years")
def ages_of_nan_only(home):
    ages(home, "0 a/1/1.jpg nan 1\n")


@refused(r"~/ages\.txt: no line gives an age")
def ages_that_are_an_image(home):
    ages(home, CROP)


@refused(r"~/ages\.txt: no line gives an age; .*; all contradict each other")
def ages_that_all_contradict_each_other(home):
    ages(home, "0 a/1/1.jpg 4 1\n0 a/1/1.jpg 5 1\n")


@listed(r"^\(2, '0 a/1/2\.jpg nan 1', \"age 'nan', expected 0 to 130 years\"\)$")
def an_age_of_nan(home):
    return ages(home, "0 a/1/1.jpg 4 1\n0 a/1/2.jpg nan 1\n").malformed.first


@listed(r"^\(1, .*age '-4', expected 0 to 130")
def an_age_below_0(home):
    return ages(home, "0 a/1/2.jpg -4 1\n0 a/1/1.jpg 4 1\n").malformed.first


@listed(r"^\(1, .*age '1e9', expected 0 to 130")
def an_age_beyond_any(home):
    return ages(home, "0 a/1/2.jpg 1e9 1\n0 a/1/1.jpg 4 1\n").malformed.first


@listed(r"^\(2, .*3 fields, expected 4")
def a_label_line_that_lacks_a_field(home):
    return ages(home, "0 a/1/1.jpg 4 1\n0 a/1/2.jpg 5\n").malformed.first


@listed(r"^\(2, .*expected one that ends in folder/image")
def a_label_line_without_a_folder(home):
    return ages(home, "0 a/1/1.jpg 4 1\n0 2.jpg 5 1\n").malformed.first


@listed(r"^\(2, .*not UTF-8")
def a_label_line_that_is_not_utf_8(home):
    return ages(home, b"0 a/1/1.jpg 4 1\n0 a/\xff/2.jpg 5 1\n").malformed.first


@listed(r"^\(3, '0 x/1/1\.jpg 5 1', True\)$")
def an_image_of_two_ages(home):
    return ages(home, "0 a/1/1.jpg 4 1\n0 a/1/2.jpg 4 1\n0 x/1/1.jpg 5 1\n").duplicates.first


@listed(r"^\(2, '9/9'\)$")
def an_age_without_an_image(home):
    labels = ages(home, "0 a/1/1.jpg 4 1\n0 a/9/9.jpg 5 1\n")
    return labels.unmatched(image_keys(["1/1.jpg"])).first


@listed(r"^2 images share their key with another, so none has an age: 1/004\.jpg, 1/4\.jpg$")
def two_images_of_one_number(home):
    put(folder(home) / "1/004.jpg")
    put(home / "ages.txt", "0 a/1/4.jpg 4 1\n")
    return open_faces(home / "set", home / "ages.txt").notes


# Pair files


class Program:
    """What would make a folder on being unpickled, if anything ran it."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return os.mkdir, (self.place,)


def pair_file(home, held):
    data = held if isinstance(held, bytes) else pickle.dumps(held, 2)
    return read_bin(put(home / "lfw.bin", data))


@refused(r"~/lfw\.bin: found the name posix\.mkdir, at byte \d+")
def a_pickle_that_tries_to_run_code(home):
    try:
        pair_file(home, ([CROP, Program(home / "ran")], [True]))
    finally:
        assert not (home / "ran").exists()


@refused(r"lfw\.bin: found an end before its time, at byte \d+")
def a_pickle_that_is_cut(home):
    pair_file(home, pickle.dumps(([CROP] * 2, [True]), 2)[:-100])


@refused(r"~/gone\.bin: no such file", FileNotFoundError)
def a_pair_file_that_is_not_there(home):
    read_bin(home / "gone.bin")


@refused(r"lfw\.bin: 3 images and 1 booleans")
def a_pair_file_of_three_images(home):
    pair_file(home, ([CROP] * 3, [True]))


@refused(r"lfw\.bin: 0 images and 0 booleans")
def a_pair_file_of_nothing(home):
    pair_file(home, ([], []))


@refused(r"lfw\.bin: image 1 is NoneType, expected an encoded image")
def a_pair_file_that_lacks_an_image(home):
    pair_file(home, ([CROP, None], [True]))


@refused(r"lfw\.bin: pair 0 is 2, expected a boolean")
def a_pair_that_is_neither_same_nor_other(home):
    pair_file(home, ([CROP] * 2, [2]))


@refused(r"lfw\.bin: found the operation EMPTY_DICT")
def a_pickle_of_a_dictionary(home):
    pair_file(home, {"images": [CROP]})


@refused(r"lfw\.bin: found .* at byte 0")
def a_pair_file_that_is_an_image(home):
    pair_file(home, CROP)


@refused(r"~/lfw\.bin: image 1: not a readable image")
def a_pair_file_with_a_damaged_image(home):
    np.asarray(pair_file(home, ([CROP, CROP[:900]], [True])).images)


# Pair lists


def pair_list(home, text):
    return read_pairs(put(home / "pairs.txt", text))


SOUND = "1 a/1.jpg a/2.jpg\n"


@refused(r"~/gone\.txt: no such pair list", FileNotFoundError)
def a_pair_list_that_is_not_there(home):
    read_pairs(home / "gone.txt")


@refused(r"~/pairs\.txt: no line is a pair of images; it is empty")
def an_empty_pair_list(home):
    pair_list(home, "\n\r\n")


@refused(r"pairs\.txt: no line is a pair of images; line 1: no label")
def a_pair_list_without_labels(home):
    pair_list(home, "a/1.jpg a/2.jpg\n")


@listed(r"^\(2, '1 a/3\.jpg a/3\.jpg', 'the same image twice'\)$")
def a_pair_of_one_image(home):
    return pair_list(home, SOUND + "1 a/3.jpg a/3.jpg").rejected


@listed(r"^\(2, .*'it contradicts line 1'\)$")
def a_pair_that_contradicts_another(home):
    return pair_list(home, SOUND + "0 a/2.jpg a/1.jpg").rejected


@listed(r"^\(2, .*leads out of the folder")
def a_pair_that_climbs_out(home):
    return pair_list(home, SOUND + "0 ../../b/1.jpg a/1.jpg").rejected


@listed(r"^\(2, .*'not UTF-8'\)$")
def a_pair_that_is_not_utf_8(home):
    return pair_list(home, SOUND.encode() + b"1 a/\xff.jpg a/1.jpg").rejected


@listed(r"^\(2, .*'one image, expected two'\)$")
def a_pair_of_which_an_image_is_missing(home):
    return pair_list(home, SOUND + "1 a/3.jpg").rejected


@listed(r"^\(2, .*AgeDB-aligned/AnnLee/9_AnnLee_40\.jpg: no such image'\)$")
def a_pair_of_which_an_image_is_gone(home):
    names = [f"AgeDB-aligned/{p}/{n}" for p, n in (
        ("AnnLee", "1_AnnLee_5.jpg"), ("AnnLee", "2_AnnLee_40.jpg"), ("BobRay", "3_BobRay_40.jpg"),
    )]  # fmt: skip
    for name in names:
        put(home / name)
    gone = names[1].replace("/2_", "/9_")
    lines = f"1 {names[0]} {names[1]}\n1 {names[0]} {gone}\n0 {names[0]} {names[2]}\n"
    return matched(pair_list(home, lines), read_faces(home, "agedb"))[1]


# Archives


def unpacked(home, path):
    try:
        return unpack_archive(path, home / "out")
    finally:
        assert not list(home.rglob("evil*"))
        assert not (home / "out.partial").exists()


def tar(home, *members):
    with tarfile.open(home / "a.tar", "w") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return home / "a.tar"


def zipped(home, *names):
    with zipfile.ZipFile(home / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, CROP)
    return home / "a.zip"


@refused(r"~/a\.tar: '\.\./evil' leads out of the folder")
def an_archive_path_that_climbs_out(home):
    unpacked(home, tar(home, tarfile.TarInfo("good"), tarfile.TarInfo("../evil")))


@refused(r"~/a\.zip: '/evil' leads out of the folder")
def an_archive_path_from_the_root(home):
    unpacked(home, zipped(home, "/evil"))


@refused(r"~/a\.tar: 'evil' is a link or a device")
def a_link_in_an_archive(home):
    link = tarfile.TarInfo("evil")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    unpacked(home, tar(home, link))


@refused(r"~/a\.zip: damaged, or cut short")
def an_archive_that_is_cut(home):
    path = zipped(home, "1/1.jpg", "1/2.jpg")
    unpacked(home, put(path, path.read_bytes()[:-60]))


@refused(r"~/a\.zip: '1/1\.jpg' is encrypted")
def an_archive_with_a_password(home):
    path = zipped(home, "1/1.jpg")
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\1\2") + 8] |= 1
    unpacked(home, put(path, bytes(data)))


@refused(r"~/a\.zip: '1/A\.jpg' comes twice, perhaps in another case")
def an_archive_with_a_name_twice(home):
    unpacked(home, zipped(home, "1/a.jpg", "1/A.jpg"))


@refused(r"~/a\.zip: no archive that can be unpacked here")
def an_archive_that_is_none(home):
    unpacked(home, put(home / "a.zip", "words"))


@refused(r"~/a\.zip: holds no file")
def an_archive_of_nothing(home):
    unpacked(home, zipped(home))


@refused(r"~/out: exists", FileExistsError)
def an_archive_in_the_place_of_a_folder(home):
    (home / "out").mkdir()
    unpack_archive(zipped(home, "1/1.jpg"), home / "out")


# Manifests


def manifest(home, text):
    return read_manifest(put(home / "manifest.json", text).parent)


@refused(r"~/manifest\.json: not valid JSON")
def a_manifest_that_is_cut(home):
    manifest(home, '{"set": "x", ')


@refused(r"~/manifest\.json: not the manifest of a prepared set")
def a_manifest_of_something_else(home):
    manifest(home, '{"images": {"train": 5}, "spec": 1}')


@refused(r"~/manifest\.json: expected that color_order is RGB or BGR")
def a_manifest_of_unheard_colors(home):
    manifest(home, '{"set": "x", "images": 1, "color_order": "GBR"}')


@refused(r"~/manifest\.json: expected that images is a count")
def a_manifest_of_half_an_image(home):
    manifest(home, '{"set": "x", "images": 0.5}')


@refused(r"~/manifest\.json: quarantined: expected pairs of texts")
def a_manifest_without_reasons(home):
    manifest(home, '{"set": "x", "images": 1, "quarantined": [["a", "b", "c"]]}')


# Landmarks and alignment


def pts(home, lines):
    text = "".join(f"{x} {y}\n" for x, y in lines)
    return put(home / "001a02.pts", f"version: 1\nn_points: 68\n{{\n{text}}}\n")


@refused(r"~/001a02\.pts: says 68 points, holds 5")
def points_of_which_most_are_missing(home):
    read_pts(pts(home, FACE))


@refused(r"~/001a02\.pts: point 3 is 'nan 1', expected x and y")
def a_point_that_is_nan(home):
    read_pts(pts(home, [(1, 1)] * 3 + [("nan", 1)] + [(1, 1)] * 64))


@refused(r"points 31, 36, 67, 48 and 54 \(from 0\) are no upright face")
def points_in_another_order(home):
    five_of_68(read_pts(pts(home, [(row, 68 - row) for row in range(68)])))


@refused(r"~/points: no such folder", FileNotFoundError)
def fgnet_without_its_points(home):
    FgnetPoints(home / "points")


@refused(r"~/five\.txt: lines 1 and 2 both give 'a\.jpg'")
def landmarks_of_an_image_twice(home):
    read_landmarks(put(home / "five.txt", f"a.jpg {LINE}\na.jpg {LINE}\n"))


@refused(r"~/five\.txt: only 0 of 1 faces are upright")
def landmarks_that_are_mirrored(home):
    read_landmarks(put(home / "five.txt", "a.jpg 70 40 30 40 50 65 65 85 35 85\n"))


@refused(r"~/five\.txt: no line is of the form")
def landmarks_of_four_points(home):
    read_landmarks(put(home / "five.txt", "a.jpg 30 40 70 40 50 65 35 85\n"))


@listed(r"^\(2, 'b\.jpg 30 40 70 40 50 65 35 85 65 inf 0\.9', 'expected name ")
def a_landmark_without_an_end(home):
    lines = f"a.jpg {LINE}\nb.jpg {LINE.replace('85 0.9', 'inf 0.9')}\n"
    return read_landmarks(put(home / "five.txt", lines)).rejected


@refused(r"~/yunet\.onnx: not a YuNet model")
def a_detector_that_is_no_model(home):
    Detector(put(home / "yunet.onnx", "weights"))


@refused(r"landmarks: .* holds a number that is not finite")
def align_by_nan(home):
    align(np.zeros((200, 200, 3), np.uint8), np.full((5, 2), np.nan))


@refused(r"landmarks: shape \(68, 2\), expected \(5, 2\)")
def align_by_68_points(home):
    align(np.zeros((200, 200, 3), np.uint8), np.zeros((68, 2)))


@refused(r"landmarks: all within 0 pixels")
def align_by_one_point(home):
    align(np.zeros((200, 200, 3), np.uint8), np.ones((5, 2)))


@refused(r"landmarks: reach from .*, far outside the image of 200x200")
def align_by_points_of_another_picture(home):
    align(np.zeros((200, 200, 3), np.uint8), FACE + 1000)


@refused(r"image: float64, expected uint8")
def align_a_picture_of_fractions(home):
    align(np.zeros((200, 200, 3)), FACE)


@refused(r"image: shape \(200, 200\), expected \(H, W, 3\)")
def align_a_gray_picture(home):
    align(np.zeros((200, 200), np.uint8), FACE)


def aligned(home, **how):
    five = read_landmarks(put(home / "five.txt", f"a/1.jpg {LINE}\na/2.jpg {LINE}\n"))
    source = put(home / "photos/a/1.jpg", jpeg(size=100)).parents[1]
    how = {"target": home / "crops", "set_name": "mine", **how}
    return align_folder(source, landmarks=Given(five), **how)


@refused(r"~/photos/crops: lies inside the source ~/photos")
def crops_inside_their_photographs(home):
    aligned(home, target=home / "photos/crops")


@refused(r"~/crops: holds mine\.txt, which was not made from this source")
def crops_among_other_files(home):
    put(home / "crops/mine.txt", "words")
    aligned(home)


@refused(r"~/photos: no image of this layout; expected 16488_WillSmith _35_m\.jpg")
def photographs_of_another_layout(home):
    aligned(home, layout="agedb")


@listed(r"^\('a/2\.jpg', 'not a readable image")
def a_photograph_that_is_cut(home):
    put(home / "photos/a/2.jpg", jpeg(size=100)[:900])
    return aligned(home).quarantined


@listed(r"^\('a/3\.jpg', 'no line for it in five\.txt'\)$")
def a_photograph_without_landmarks(home):
    put(home / "photos/a/3.jpg", jpeg(size=100))
    return aligned(home).quarantined


# Test sets


def ijb(home, **tables):
    """A release of three images in two templates, with other tables where they are given."""
    names = ("1.jpg", "2.jpg", "3.jpg")
    sound = {
        "face_tid_mid": "1.jpg 1 10\n2.jpg 1 11\n3.jpg 2 12\n",
        "name_5pts_score": "".join(f"{name} {LINE}\n" for name in names),
        "template_pair_label": "1 2 0\n1 1 1\n",
    }
    for table, text in (sound | tables).items():
        put(home / f"IJBB/meta/ijbb_{table}.txt", text)
    for name in names:
        put(home / "IJBB/loose_crop" / name)
    return read_ijb(home, "IJBB")


def test_the_release_that_is_damaged_below_is_sound(tmp_path):
    assert ijb(tmp_path).counts["images"] == 3


@refused(r"~: .*meta/ijbb_face_tid_mid\.txt.* absent; expected meta/", FileNotFoundError)
def ijb_without_its_tables(home):
    read_ijb(home, "IJBB")


@refused(r"ijbb_face_tid_mid\.txt, line 2: expected `image template media`, not '2\.jpg one 11'")
def ijb_with_a_template_that_is_a_word(home):
    ijb(home, face_tid_mid="1.jpg 1 10\n2.jpg one 11\n3.jpg 2 12\n")


@refused(r"ijbb_face_tid_mid\.txt, line 2: ids must not be negative")
def ijb_with_a_negative_id(home):
    ijb(home, face_tid_mid="1.jpg 1 10\n2.jpg -1 11\n3.jpg 2 12\n")


@refused(r"ijbb_face_tid_mid\.txt, line 2: an earlier line has this image in this template")
def ijb_with_an_image_twice(home):
    ijb(home, face_tid_mid="1.jpg 1 10\n1.jpg 1 10\n3.jpg 2 12\n")


@refused(r"loose_crop: 1 of 3 images are absent: 9\.jpg")
def ijb_with_an_image_that_is_gone(home):
    ijb(home, face_tid_mid="1.jpg 1 10\n9.jpg 1 11\n3.jpg 2 12\n")


def ijb_with_a_landmark(home, value):
    rest = f"2.jpg {LINE}\n3.jpg {LINE}\n"
    ijb(home, name_5pts_score=f"1.jpg {LINE.replace('30', value, 1)}\n{rest}")


@refused(r"ijbb_name_5pts_score\.txt, line 1: ")
def ijb_with_a_landmark_of_nan(home):
    ijb_with_a_landmark(home, "nan")


@refused(r"ijbb_name_5pts_score\.txt, line 1: landmarks and score must be finite")
def ijb_with_a_landmark_without_an_end(home):
    ijb_with_a_landmark(home, "inf")


@refused(r"ijbb_name_5pts_score\.txt, line 1: expected 1\.jpg, as in face_tid_mid\.txt")
def ijb_in_another_order(home):
    ijb(home, name_5pts_score=f"2.jpg {LINE}\n1.jpg {LINE}\n3.jpg {LINE}\n")


@refused(r"ijbb_template_pair_label\.txt, line 2: a template without images: '1 7 1'")
def ijb_with_a_pair_of_nobody(home):
    ijb(home, template_pair_label="1 2 0\n1 7 1\n")


@refused(r"ijbb_template_pair_label\.txt, line 2: expected a label 0 or 1: '1 1 2'")
def ijb_with_a_label_of_2(home):
    ijb(home, template_pair_label="1 2 0\n1 1 2\n")


def tinyface(home, probe="7_1.jpg"):
    for name in (f"Probe/{probe}", "Gallery_Match/7_2.jpg", "Gallery_Distractor/1.jpg"):
        put(home / "tiny/Testing_Set" / name)
    return home / "tiny"


@refused(r"~/tiny: no folders of TinyFace", FileNotFoundError)
def tinyface_without_its_folders(home):
    read_tinyface(home / "tiny")


@refused(r"Probe/face\.jpg: expected <person>_<image>, such as 17_3\.jpg")
def tinyface_with_a_probe_of_nobody(home):
    read_tinyface(tinyface(home, "face.jpg"))


@refused(r"Gallery_Distractor: no image")
def tinyface_without_strangers(home):
    shutil.rmtree(tinyface(home) / "Testing_Set/Gallery_Distractor")
    (home / "tiny/Testing_Set/Gallery_Distractor").mkdir()
    read_tinyface(home / "tiny")


@refused(r"~/tiny/Testing_Set/probe_img_ID_pairs\.mat: expected a MATLAB file")
def tinyface_with_a_damaged_list(home):
    put(tinyface(home) / "Testing_Set/probe_img_ID_pairs.mat", "words")
    read_tinyface(home / "tiny")


def cacd(home, *names):
    for name in names:
        put(home / "cacd" / name)
    return read_cacd_vs(home / "cacd")


@refused(r"~/cacd: pairs 0 to 4000; expected 0000_0\.jpg")
def cacd_vs_with_a_pair_too_many(home):
    cacd(home, "0000_0.jpg", "0000_1.jpg", "4000_0.jpg")


@refused(r"~/cacd: 0000_0\.jpg and 0000_0\.png are one image")
def cacd_vs_with_an_image_twice(home):
    cacd(home, "0000_0.jpg", "0000_0.png", "0000_1.jpg")


@listed(r"^\(1, 'no image 0001_1'\)$")
def cacd_vs_with_half_a_pair(home):
    return cacd(home, "0000_0.jpg", "0000_1.jpg", "0001_0.jpg").rejected


@listed(r"^notes\.txt$")
def cacd_vs_with_something_else(home):
    return cacd(home, "0000_0.jpg", "0000_1.jpg", "notes.txt").stray


@refused(r"~/AgeDB-aligned: .*1_AnnLee_5\.jpg and .*1_BobRay_6\.jpg are both image 1")
def agedb_with_a_number_twice(home):
    put(home / "AgeDB-aligned/AnnLee/1_AnnLee_5.jpg")
    put(home / "AgeDB-aligned/BobRay/1_BobRay_6.jpg")
    read_faces(home, "agedb")


@listed(r"^AgeDB-aligned/AnnLee/2_BobRay_6\.jpg$")
def agedb_with_a_crop_in_anothers_folder(home):
    put(home / "AgeDB-aligned/AnnLee/1_AnnLee_5.jpg")
    put(home / "AgeDB-aligned/AnnLee/2_BobRay_6.jpg")
    return read_faces(home, "agedb").stray


@listed(r"^AgeDB-aligned/AnnLee/again/$")
def agedb_with_a_link_in_a_circle(home):
    put(home / "AgeDB-aligned/AnnLee/1_AnnLee_5.jpg")
    (home / "AgeDB-aligned/AnnLee/again").symlink_to(home / "AgeDB-aligned")
    return read_faces(home, "agedb").stray


@listed(r"^AgeDB-aligned/loop$")
def agedb_with_a_link_to_itself(home):
    put(home / "AgeDB-aligned/AnnLee/1_AnnLee_5.jpg")
    (home / "AgeDB-aligned/loop").symlink_to("loop")
    return read_faces(home, "agedb").stray


@listed(r"^\('loop', 'no image: left out'\)$")
def photographs_with_a_link_to_itself(home):
    put(home / "photos/loop").unlink()
    (home / "photos/loop").symlink_to("loop")
    return aligned(home).notes


@refused(r"~/FGNET-aligned: no image of this set; expected 047A05\.JPG")
def fgnet_of_other_names(home):
    put(home / "FGNET-aligned/face.jpg")
    read_fgnet_loo(home)


@refused(r"no person has two of the 2 images")
def fgnet_of_people_who_come_once(home):
    put(home / "FGNET-aligned/001A05.JPG")
    put(home / "FGNET-aligned/002A05.JPG")
    read_fgnet_loo(home)


# What is told before anything is read


@refused(r"~/got: a file of 5 bytes; expected CASIA-WebFace as record set or list or image folder")
def a_root_of_something_else(home):
    catalog.recognize("casia", put(home / "got", "words"))


@refused(r"~/got: holds the lists train\.txt and val\.txt; name one of them")
def a_root_with_two_lists(home):
    for name in ("train", "val"):
        put(home / f"got/{name}.txt", "imgs/1.jpg 0\n")
    put(home / "got/imgs/1.jpg")
    catalog.recognize("casia", home / "got")


@refused(
    r"~/set: all images lie in imgs/, .*, but ~/set/imgs/list\.txt tells identities; name that"
)
def a_folder_of_one_class_beside_its_list(home):
    put(home / "set/imgs/1.jpg")
    put(home / "set/imgs/list.txt", "1.jpg 0\n")
    put(home / "set/more/readme.md", "words")
    catalog.recognize("casia", home / "set")


@refused(r"~/names\.txt, line 2: '7' has no name")
def a_class_without_a_name(home):
    overlap(["AnnLee"], ["0", "7"], put(home / "names.txt", "0 Ann Lee\n7\n"))
