"""Who is photographed at which age, and the name of every file.

Shapes: N images of a set.
Units: ages in years.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irlib.data.synthetic.names import person_names
from irlib.data.synthetic.spec import SyntheticSpec
from irlib.data.synthetic.traits import draw_identities

CHILD_AGE = 13.0  # a child image is one below this age


@dataclass(frozen=True)
class Plan:
    """Every image of a set, ordered by person.

    Args:
        names: N paths relative to the set's folder.
        person: (N,) number of the person, disjoint between parts.
        image: (N,) number of the image among its person's.
        age: (N,) true age.
        parts: part name to the slice of its images.
        labels: lines of the age-label file.
    """

    names: list[str]
    person: NDArray[np.int64]
    image: NDArray[np.int64]
    age: NDArray[np.float64]
    parts: dict[str, slice]
    labels: list[str]


def _generator(seed: int, person: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 2, person])))


def _training_ages(rng: np.random.Generator, spec: SyntheticSpec, child: bool) -> NDArray:
    """Ages of one training person: mostly 20 to 50, like CASIA-WebFace's.

    Source: the shares of age groups under MTLFace's labels; children are some 2 % of the images.
    """
    mean = spec.images_per_identity
    count = max(2, round(mean * rng.uniform(0.75, 1.25)))
    center = np.clip(rng.normal(36.0, 10.0), 21.0, 62.0)
    ages = np.minimum(15.0 + np.abs(rng.normal(center, 8.0, count) - 15.0), 88.0)
    if child:
        ages = np.concatenate(
            [rng.uniform(0.6, 12.2, spec.child_images), ages[: max(4, count // 2)]]
        )
    else:
        young = rng.random(len(ages)) < spec.child_image_share
        ages = np.where(young, rng.uniform(1.0, 12.9, len(ages)), ages)
    return ages


def _agedb_ages(rng: np.random.Generator, spec: SyntheticSpec) -> NDArray:
    """Ages of one AgeDB person: a long adult life, and some childhood pictures."""
    count = max(5, round(spec.test_images_per_identity * rng.uniform(0.75, 1.25)))
    children = rng.integers(1, 4)
    adults = rng.uniform(18.0, rng.uniform(50.0, 90.0), count - children)
    return np.concatenate([rng.uniform(1.5, 13.0, children), adults])


def _fgnet_ages(rng: np.random.Generator, spec: SyntheticSpec) -> NDArray:
    """Ages of one FG-NET person: childhood well covered, adults thinning out towards 60."""
    count = max(5, round(spec.test_images_per_identity * rng.uniform(0.75, 1.25)))
    children = max(2, round(0.45 * count))
    last = rng.uniform(34.0, 62.0)
    adults = 14.0 + (last - 14.0) * rng.random(count - children) ** 0.8
    return np.concatenate([rng.uniform(0.0, 13.0, children), adults])


def _lag_ages(rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Young and adult ages of one LAG person."""
    young = rng.uniform(2.0, 14.0, rng.integers(1, 4))
    return young, rng.uniform(28.0, 68.0, rng.integers(2, 5))


def _label_lines(
    rng: np.random.Generator,
    spec: SyntheticSpec,
    label: int,
    names: list[str],
    ages: NDArray,
    male: bool,
) -> list[str]:
    """Age-label lines `id path age gender`; noisier for adults than for children, some left out."""
    spread = np.minimum(spec.age_noise, 0.7 + 0.12 * ages)
    noisy = np.abs(ages + spread * rng.standard_normal(len(ages)))
    kept = rng.random(len(ages)) >= spec.unlabelled_share
    return [
        f"{label} {name} {age:.1f} {int(male)}"
        for name, age, keep in zip(names, noisy, kept, strict=True)
        if keep
    ]


class _Draft:
    """Images collected person by person."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.person: list[int] = []
        self.image: list[int] = []
        self.age: list[float] = []
        self.parts: dict[str, slice] = {}
        self.labels: list[str] = []

    def add(self, person: int, names: list[str], ages: NDArray) -> None:
        self.names += names
        self.person += [person] * len(names)
        self.image += range(len(names))
        self.age += ages.tolist()


def _draft_train(draft: _Draft, spec: SyntheticSpec, dataset: str) -> None:
    children = round(spec.child_identity_share * spec.identities)
    order = np.random.Generator(np.random.PCG64([spec.seed, 3])).permutation(spec.identities)
    child_people = set(order[:children].tolist())
    male = draw_identities(spec.seed, np.arange(spec.identities)).male
    for person in range(spec.identities):
        rng = _generator(spec.seed, person)
        ages = rng.permutation(_training_ages(rng, spec, person in child_people))
        first = len(draft.names) + 1
        files = [f"{person:06d}/{first + i:08d}.jpg" for i in range(len(ages))]
        draft.add(person, [f"train/{file}" for file in files], ages)
        paths = [f"{dataset}/{file}" for file in files]
        draft.labels += _label_lines(rng, spec, person, paths, ages, male[person] > 0.5)


def _draft_agedb(
    draft: _Draft, spec: SyntheticSpec, people: range, folder: str, called: list[str]
) -> None:
    number = 1
    for person, name in zip(people, called, strict=True):
        ages = np.sort(_agedb_ages(_generator(spec.seed, person), spec))
        draft.add(
            person,
            [f"{folder}/{name}/{number + i}_{name}_{int(age)}.jpg" for i, age in enumerate(ages)],
            ages,
        )
        number += len(ages)


def _draft_fgnet(draft: _Draft, spec: SyntheticSpec, people: range) -> None:
    for subject, person in enumerate(people, start=1):
        ages = np.sort(_fgnet_ages(_generator(spec.seed, person), spec))
        whole = ages.astype(int).tolist()
        names = []
        for i, age in enumerate(whole):
            again = whole[:i].count(age)
            letter = "" if again == 0 else "abcdefghijklmnopqrstuvwxyz"[again]
            names.append(f"test/FGNET-aligned/{subject:03d}A{age:02d}{letter}.JPG")
        draft.add(person, names, ages)


def _draft_lag(draft: _Draft, spec: SyntheticSpec, people: range, called: list[str]) -> None:
    for person, name in zip(people, called, strict=True):
        young, adult = _lag_ages(_generator(spec.seed, person))
        names = [f"test/LAG-aligned/{name}/y/{name}_{i + 1}.png" for i in range(len(young))]
        start = len(young) + 1
        names += [f"test/LAG-aligned/{name}/{name}_{start + i}.png" for i in range(len(adult))]
        draft.add(person, names, np.concatenate([young, adult]))


def plan(spec: SyntheticSpec, *, dataset: str) -> Plan:
    """People, ages and file names of a set; the same on every machine.

    Args:
        spec: what to make.
        dataset: first component of the paths in the age-label file.
    """
    draft = _Draft()
    person = spec.identities
    named = person_names(
        spec.seed, spec.agedb_identities + spec.val_identities + spec.lag_identities
    )
    _draft_train(draft, spec, dataset)
    draft.parts["train"] = slice(0, len(draft.names))

    def part(name: str, count: int) -> tuple[range, int]:
        draft.parts[name] = slice(len(draft.names), len(draft.names))
        return range(person, person + count), person + count

    people, person = part("test/AgeDB-aligned", spec.agedb_identities)
    called, named = named[: len(people)], named[len(people) :]
    _draft_agedb(draft, spec, people, "test/AgeDB-aligned", ["".join(n) for n in called])
    people, person = part("test/FGNET-aligned", spec.fgnet_identities)
    _draft_fgnet(draft, spec, people)
    people, person = part("test/LAG-aligned", spec.lag_identities)
    called, named = named[: len(people)], named[len(people) :]
    _draft_lag(draft, spec, people, ["_".join(n).lower() for n in called])
    people, person = part("val/AgeDB-aligned", spec.val_identities)
    _draft_agedb(draft, spec, people, "val/AgeDB-aligned", ["".join(n) for n in named])

    starts = [part.start for part in draft.parts.values()] + [len(draft.names)]
    parts = {n: slice(starts[i], starts[i + 1]) for i, n in enumerate(draft.parts)}
    return Plan(
        draft.names, np.array(draft.person), np.array(draft.image), np.array(draft.age), parts,
        draft.labels,
    )  # fmt: skip
