"""The numbers that the paper prints, to stand beside ours: never our own results.

Units: percent, mean and standard deviation over three runs.

Source: Lee et al., BMVC 2021, the two result tables (identical to those of the code's README).
"""

from typing import NamedTuple


class Published(NamedTuple):
    """One cell of a published table, percent."""

    mean: float
    deviation: float


SETS = ("agedb20_child", "fgnet20_child", "agedb30_child", "fgnet30_child", "lag")


def _row(*numbers: float) -> dict[str, Published]:
    cells = [Published(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
    return dict(zip(SETS, cells, strict=True))


# Title of a method, as in `irlib.methods`, to set to cell; some of our methods have none.
CASIA = {
    "CurricularFace": _row(82.11, 0.36, 81.56, 0.56, 81.49, 0.42, 78.85, 0.16, 90.35, 0.06),
    "MV-AM": _row(81.01, 0.17, 81.37, 0.90, 80.45, 0.78, 79.48, 1.02, 89.38, 0.15),
    "BroadFace": _row(82.93, 0.20, 80.40, 0.25, 81.85, 0.48, 79.03, 0.54, 89.63, 0.26),
    "CosFace": _row(81.65, 0.66, 81.27, 0.57, 81.02, 0.79, 79.03, 1.42, 89.58, 0.06),
    "ArcFace": _row(82.65, 0.31, 80.37, 1.05, 81.91, 0.55, 79.03, 0.94, 89.80, 0.25),
    "OE-CNN": _row(78.87, 0.62, 78.95, 0.70, 78.24, 0.86, 77.78, 0.82, 87.33, 0.49),
    "DAL": _row(77.28, 1.41, 77.18, 1.19, 75.90, 1.01, 76.53, 2.50, 86.13, 0.51),
    "MTLFace": _row(82.18, 0.47, 80.42, 0.29, 80.64, 1.17, 80.02, 0.68, 88.17, 0.32),
    "ArcFace + Inter-Prototype": _row(
        83.55, 0.20, 82.27, 1.03, 82.97, 0.76, 81.00, 1.27, 90.49, 0.17
    ),
}

MS1M = {
    "CurricularFace": _row(85.76, 1.34, 83.03, 1.70, 84.85, 1.60, 80.46, 1.66, 91.47, 0.86),
    "MV-AM": _row(84.70, 0.91, 81.72, 1.27, 83.43, 0.51, 79.12, 1.09, 90.81, 0.68),
    "CosFace": _row(85.82, 0.03, 81.46, 0.62, 85.07, 0.50, 78.05, 0.86, 91.37, 0.23),
    "ArcFace": _row(86.21, 0.67, 83.88, 0.91, 85.85, 0.60, 80.91, 1.17, 91.78, 0.34),
    "OE-CNN": _row(83.94, 0.42, 84.88, 1.12, 82.81, 0.69, 83.96, 1.12, 90.33, 1.03),
    "DAL": _row(83.58, 0.10, 82.11, 1.17, 82.59, 0.36, 82.62, 1.35, 90.31, 0.46),
    "ArcFace + Inter-Prototype": _row(
        87.36, 0.08, 85.81, 0.24, 87.01, 0.15, 85.04, 0.56, 93.12, 0.23
    ),
}

TABLES = {"casia": CASIA, "ms1m": MS1M}
SOURCE = "Lee et al., BMVC 2021, on photographs"
CAVEAT = (
    "Published rows cannot be set against ours as they stand: each of their numbers is of the best "
    "epoch, chosen on that very test set; ours are of the last checkpoint. In a simulation of 49 "
    "epochs this choice and the best threshold together add 1 to 3 points."
)
TITLES = {"casia": "Table 1, trained on CASIA-WebFace", "ms1m": "Table 2, trained on MS1M"}
