"""Who is photographed where and when, showing what: the records of a synthetic CID."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from artcurate.errors import UsageError
from artcurate.sources.synthetic.korean.apportion import apportion
from artcurate.sources.synthetic.korean.codes import LABELS, PLACES
from artcurate.sources.synthetic.korean.image_counts import Pool
from artcurate.sources.synthetic.korean.people import People
from artcurate.sources.synthetic.scenes import stream

Floats = NDArray[np.float64]

#: Long side by short side of every picture.
ASPECT: Final = 4 / 3
#: The EXIF orientation of the pictures that are higher than wide once they are put right.
UPRIGHT: Final = 8
#: Frames that one person sends of one label in one place, at most.
FRAMES_PER_SCENE: Final = 36
_PER_LABEL: Final = FRAMES_PER_SCENE * len(PLACES)
#: Shares of PLACES.
_PLACE_SHARES: Final = (0.106, 0.080, 0.111, 0.031, 0.040, 0.035, 0.102, 0.106, 0.013, 0.376)
#: EXIF orientation -> share of the pictures.
_ORIENTATIONS: Final = {1: 0.68, 3: 0.25, 4: 0.06, UPRIGHT: 0.007, 2: 0.003}
_LOCATED: Final = 0.05
_JPEG_SUFFIX: Final = 0.015
_VALIDATION: Final = 1 / 9
#: Of the scenes, those where the face is cut by the edge of the picture.
_CUT: Final = 0.02
#: Frames after which a scene goes on under a new time.
_BURST: Final = 12
_FIRST_DAY: Final = np.datetime64("2020-11-02T09:00:00", "ms")
_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Shots:
    """n pictures. Arrays along them; a scene is one person, label and place.

    person, label, place, scene: indices of people, LABELS, PLACES and scenes.
    frame: 1..36 within the scene. moment: when its burst began.
    unanimous: the uploader and all annotators agree. training: belongs to that release.
    strength: 0..1, how clearly the face shows the label.
    face: (n, 4) centre x and y and height as shares of the upright picture, and roll in degrees.
    orientation: EXIF. located: with a GPS position. long_suffix: .jpeg instead of .jpg.
    """

    person: NDArray[np.int32]
    label: NDArray[np.int8]
    place: NDArray[np.int8]
    scene: NDArray[np.int32]
    frame: NDArray[np.int16]
    moment: NDArray[np.datetime64]
    unanimous: NDArray[np.bool_]
    training: NDArray[np.bool_]
    strength: Floats
    face: Floats
    orientation: NDArray[np.int8]
    located: NDArray[np.bool_]
    long_suffix: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True, slots=True)
class _Scenes:
    pool: NDArray[np.int64]
    person: NDArray[np.int64]
    label: NDArray[np.int64]
    place: NDArray[np.int64]
    frames: NDArray[np.int64]


def draw_shots(pools: Sequence[Pool], people: People) -> Shots:
    """The pictures of all pools, scene by scene.

    Raises UsageError when the people cannot have sent so many.
    """
    generator = stream(people.seed, "shots")
    scenes = _draw_scenes(pools, people, generator)
    scene = np.repeat(np.arange(len(scenes.frames)), scenes.frames)
    first = np.cumsum(scenes.frames) - scenes.frames
    frame = np.arange(len(scene)) - first[scene] + 1
    label = scenes.label[scene]
    unanimous = _draw_unanimous(pools, scenes, scene, generator)
    number = len(scene)
    strength = np.where(
        unanimous, generator.uniform(0.65, 1.0, number), generator.uniform(0.1, 0.6, number)
    )
    training = np.ones(number, dtype=np.bool_)
    for code in range(len(LABELS)):
        rows = generator.permutation(np.flatnonzero(label == code))
        training[rows[: round(len(rows) * _VALIDATION)]] = False
    return Shots(
        person=scenes.person[scene].astype(np.int32),
        label=label.astype(np.int8),
        place=scenes.place[scene].astype(np.int8),
        scene=scene.astype(np.int32),
        frame=frame.astype(np.int16),
        moment=_draw_moments(scenes, scene, frame, generator),
        unanimous=unanimous,
        training=training,
        strength=strength,
        face=_draw_faces(scenes, scene, generator),
        orientation=_draw_orientations(scenes, generator)[scene],
        located=(generator.random(len(scenes.frames)) < _LOCATED)[scene],
        long_suffix=generator.random(number) < _JPEG_SUFFIX,
    )


def _draw_scenes(pools: Sequence[Pool], people: People, generator: np.random.Generator) -> _Scenes:
    rows: list[tuple[int, int, int, int, int]] = []
    # Everybody has places of their own, at home above all.
    taste = generator.gamma(0.7, size=(len(people), len(PLACES))) * _PLACE_SHARES + 1e-6
    for number, pool in enumerate(pools):
        total = pool.unanimous + pool.disputed
        # Nobody sends the same number of every label.
        leaning = generator.uniform(0.2, 1.8, size=len(pool.members))
        shares = apportion(total, people.share[pool.members] * leaning, cap=_PER_LABEL)
        if int(shares.sum()) < total:
            raise UsageError(
                f"{len(people):,} persons are too few for so many images: none sends more than "
                f"{_PER_LABEL} of one label; ask for more persons or fewer images."
            )
        for person, share in zip(pool.members.tolist(), shares.tolist(), strict=True):
            frames = apportion(share, taste[person], cap=FRAMES_PER_SCENE).tolist()
            rows += [
                (number, person, pool.label, place, size)
                for place, size in enumerate(frames)
                if size
            ]
    return _Scenes(*np.array(rows, dtype=np.int64).reshape(-1, 5).T)


def _draw_unanimous(
    pools: Sequence[Pool],
    scenes: _Scenes,
    scene: NDArray[np.int64],
    generator: np.random.Generator,
) -> NDArray[np.bool_]:
    """The pictures of every pool that are clearest; frames of a scene are alike in that."""
    clarity = generator.normal(size=len(scenes.frames))[scene] + generator.normal(size=len(scene))
    pool = scenes.pool[scene]
    order = np.lexsort((-clarity, pool))
    sizes = np.bincount(pool, minlength=len(pools))
    rank = np.empty(len(scene), dtype=np.int64)
    rank[order] = np.arange(len(scene)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    quota = np.array([pool.unanimous for pool in pools])
    unanimous: NDArray[np.bool_] = rank < quota[pool]
    return unanimous


def _draw_moments(
    scenes: _Scenes,
    scene: NDArray[np.int64],
    frame: NDArray[np.int64],
    generator: np.random.Generator,
) -> NDArray[np.datetime64]:
    """When each picture's burst began: a person's scenes all on one day, minutes apart."""
    day = generator.integers(_DAYS, size=int(scenes.person.max()) + 1)[scenes.person]
    minute = scenes.label * len(PLACES) + scenes.place
    second = generator.integers(60, size=len(scenes.frames))
    start = day * 86_400 + minute * 420 + second
    seconds = start[scene] + (frame - 1) // _BURST * 79
    moments: NDArray[np.datetime64] = _FIRST_DAY + seconds.astype("timedelta64[s]")
    return moments


def _draw_faces(
    scenes: _Scenes, scene: NDArray[np.int64], generator: np.random.Generator
) -> Floats:
    number = len(scenes.frames)
    height = generator.uniform(0.38, 0.62, number)
    x = generator.normal(0.5, 0.08, number).clip(0.3, 0.7)
    y = generator.normal(0.46, 0.04, number).clip(0.36, 0.56)
    cut = generator.random(number) < _CUT
    x[cut] = generator.choice([0.02, 0.06, 0.95, 0.99], int(cut.sum()))
    roll = generator.normal(0.0, 5.0, number)
    pose = np.stack([x, y, height, roll], axis=1)[scene]
    faces: Floats = pose + generator.normal(0.0, (0.006, 0.006, 0.006, 0.8), size=pose.shape)
    return faces


def _draw_orientations(scenes: _Scenes, generator: np.random.Generator) -> NDArray[np.int8]:
    """One orientation per scene, so that the pictures have the given shares."""
    order = generator.permutation(len(scenes.frames))
    ends = np.cumsum(scenes.frames[order])
    middle = (ends - scenes.frames[order] / 2) / max(int(scenes.frames.sum()), 1)
    edges = np.cumsum(list(_ORIENTATIONS.values()))[:-1]
    orientations = np.empty(len(order), dtype=np.int8)
    orientations[order] = np.array(list(_ORIENTATIONS))[np.searchsorted(edges, middle)]
    return orientations
