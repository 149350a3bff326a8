"""What a synthetic set holds: one frozen description, from which all else follows."""

from dataclasses import asdict, dataclass

VERSION = 1  # raise whenever the same description would give other bytes

JPEG_BYTES = 5_000  # upper estimate of one stored portrait, for the check of free disk space


@dataclass(frozen=True, kw_only=True)
class SyntheticSpec:
    """Description of a synthetic cross-age set; equal descriptions give equal sets.

    Args:
        seed: root of every random stream.
        identities: people in the training folder.
        images_per_identity: mean number of training images of one person.
        child_identity_share: share of the training people photographed as a child at least
            `child_images` times, and as an adult too.
        child_images: training images below 13 years of each of those people.
        child_image_share: share of images below 13 years among everyone else's.
        agedb_identities: people of the AgeDB-named test set.
        fgnet_identities: people of the FG-NET-named test set, at most 999.
        lag_identities: people of the LAG-laid-out test set.
        val_identities: people of the AgeDB-named validation set.
        test_images_per_identity: mean number of AgeDB and FG-NET images of one person.
        difficulty: factor on the spread of pose, light, expression, style, blur and noise.
        age_noise: standard deviation of the labelled ages, in years, for adults.
        unlabelled_share: share of the training images without a line in the label file.
    """

    seed: int
    identities: int
    images_per_identity: int
    child_identity_share: float
    child_images: int
    child_image_share: float
    agedb_identities: int
    fgnet_identities: int
    lag_identities: int
    val_identities: int
    test_images_per_identity: int
    difficulty: float
    age_noise: float
    unlabelled_share: float

    def __post_init__(self) -> None:
        """Refuse a description that cannot be made, by the name of the field."""
        for name, value in asdict(self).items():
            if name != "seed" and value < 0:
                raise ValueError(f"{name} is {value}; expected 0 or more")
            if name.endswith("_share") and value > 1:
                raise ValueError(f"{name} is {value}; expected a share between 0 and 1")
        if self.identities < 2 or self.images_per_identity < 1:
            raise ValueError("identities and images_per_identity: expected at least 2 and 1")
        if self.fgnet_identities > 999:
            raise ValueError(
                f"fgnet_identities is {self.fgnet_identities}; the names of FG-NET hold 999"
            )
