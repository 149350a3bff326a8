"""Catalog entries of the test sets."""

from irlib.data.sets.entry import DataSet

_BINS = "github.com/deepinsight/insightface, recognition/_datasets_: in each training archive"
_NIST = "NIST, for IARPA"
_WITHDRAWN = (
    "NIST no longer gives it out (since 14 March 2023): who holds a copy asks its holder; the "
    "meta files are InsightFace's, github.com/deepinsight/insightface, recognition/_evaluation_/ijb"
)
_RESEARCH = "non-commercial research only"


def _bin(key: str, title: str, what: str, owner: str, pairs: int) -> DataSet:
    return DataSet(
        key=key,
        title=title,
        role="pairs",
        what=f"{what}; InsightFace's aligned crops",
        owner=owner,
        terms=_RESEARCH,
        ask=_BINS,
        place=f"test/bin/{key}.bin",
        forms=("pair file",),
        counts={"pairs": pairs, "images": 2 * pairs},
        unchecked=("terms",),
    )


def _ijb(key: str, title: str, paper: str, counts: dict[str, int]) -> DataSet:
    return DataSet(
        key=key,
        title=title,
        role="templates",
        what="photographs and video frames in templates, 1:1 pairs and 1:N galleries",
        owner=f"{_NIST} ({paper})",
        terms="research; the images are under Creative Commons licences of their own",
        ask=_WITHDRAWN,
        place=f"test/{key.upper()}",
        forms=("IJB release",),
        counts=counts,
        unchecked=("counts", "terms"),
    )


TESTING = (
    DataSet(
        key="agedb",
        title="AgeDB",
        role="cross-age test",
        what="photographs of well-known people over their lives, aged by hand to the year",
        owner="iBUG, Imperial College London (Moschoglou et al., CVPR workshops 2017)",
        terms=_RESEARCH,
        ask="ibug.doc.ic.ac.uk/resources/agedb; the archive's password comes by mail on request",
        place="test/AgeDB-aligned",
        forms=("raw AgeDB", "aligned AgeDB", "archive"),
        counts={"images": 16_488, "identities": 567, "images below 13 years": 95},
        unchecked=("terms",),
    ),
    DataSet(
        key="fgnet",
        title="FG-NET",
        role="cross-age test",
        what="private photographs from childhood to old age, with 68 points each",
        owner="the FG-NET project (EU, IST-2000-26434); mirrored by Yanwei Fu",
        terms=_RESEARCH,
        ask="yanweifu.github.io/FG_NET_data",
        place="test/FGNET-aligned",
        forms=("raw FG-NET", "aligned FG-NET", "archive"),
        counts={"images": 1_002, "identities": 82},
        unchecked=("terms", "the project's number"),
    ),
    DataSet(
        key="lag",
        title="LAG (Large Age-Gap)",
        role="cross-age test",
        what="celebrities young and grown up, without ages; 200x200 crops",
        owner="Simone Bianco, University of Milano-Bicocca (Pattern Recognition Letters, 2017)",
        terms="its page asks to be cited and states no licence",
        ask="www.ivl.disco.unimib.it/activities/large-age-gap-face-verification, 200x200",
        place="test/LAG-aligned",
        forms=("raw LAG", "aligned LAG", "archive"),
        counts={"images": 3_828, "identities": 1_010},
    ),
    _bin("lfw", "LFW", "news photographs", "Univ. of Massachusetts (Huang et al., 2007)", 6_000),
    _bin(
        "cfp_fp",
        "CFP-FP",
        "frontal and profile views",
        "Univ. of Maryland (Sengupta et al., WACV 2016)",
        7_000,
    ),
    _bin(
        "cplfw",
        "CPLFW",
        "LFW across pose",
        "Beijing Univ. of Posts and Telecommunications (Zheng, Deng; 2018)",
        6_000,
    ),
    _bin(
        "calfw",
        "CALFW",
        "LFW across age",
        "Beijing Univ. of Posts and Telecommunications (Zheng, Deng, Hu; 2017)",
        6_000,
    ),
    _bin(
        "agedb_30",
        "AgeDB-30",
        "AgeDB at age gaps of 30 years",
        "iBUG, Imperial College London (Moschoglou et al., 2017)",
        6_000,
    ),
    _ijb(
        "ijbb",
        "IJB-B",
        "Whitelam et al., CVPR workshops 2017",
        {"images": 227_630, "templates": 12_115, "pairs": 8_010_270, "genuine pairs": 10_270},
    ),
    _ijb(
        "ijbc",
        "IJB-C",
        "Maze et al., ICB 2018",
        {"images": 469_375, "templates": 23_124, "pairs": 15_658_489, "genuine pairs": 19_557},
    ),
    DataSet(
        key="tinyface",
        title="TinyFace",
        role="identification",
        what="faces of some 20 pixels, searched in a gallery with strangers",
        owner="Queen Mary University of London (Cheng, Zhu, Gong; ACCV 2018)",
        terms=_RESEARCH,
        ask="qmul-tinyface.github.io; AdaFace's aligned folder: the form in its README, "
        "github.com/mk-minchul/AdaFace",
        place="test/TinyFace",
        forms=("raw TinyFace", "aligned TinyFace", "archive"),
        counts={"probes": 3_728, "mates": 4_443, "distractors": 153_428},
        unchecked=("terms", "counts"),
    ),
    DataSet(
        key="cacd_vs",
        title="CACD-VS",
        role="pairs",
        what="pairs of celebrities across ages, ten folds of 400, positives first in each",
        owner="Academia Sinica and National Taiwan University (Chen, Chen, Hsu; ECCV 2014)",
        terms=_RESEARCH,
        ask="bcsiriuschen.github.io/CARC",
        place="test/CACD-VS",
        forms=("raw CACD-VS", "aligned CACD-VS", "archive"),
        counts={"pairs": 4_000, "positive pairs": 2_000},
        unchecked=("terms", "the file names and the order of the pairs"),
    ),
)
