"""A box that is cut out of a picture, between the frame a viewer sees and the frame as stored."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: left, top, right, bottom; right and bottom exclusive.
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Crop:
    """A box in pixels of the full-size picture as shown (EXIF orientation applied).

    Its edges may lie between pixels and outside of the picture.
    """

    left: float
    top: float
    right: float
    bottom: float

    def clipped(self, width: int, height: int) -> Box | None:
        """The whole pixels of a `width` x `height` picture nearest to the box, None where none.

        None too where an edge is not a finite number.
        """
        edges = (self.left, self.top, self.right, self.bottom)
        if not all(map(math.isfinite, edges)):
            return None
        left, top = max(0, round(self.left)), max(0, round(self.top))
        right, bottom = min(width, round(self.right)), min(height, round(self.bottom))
        return (left, top, right, bottom) if left < right and top < bottom else None


def stored_box(shown: Box, width: int, height: int, orientation: int) -> Box:
    """Where the box `shown` lies in the picture as it is stored, `width` x `height` pixels.

    orientation: the EXIF orientation (1 to 8) by which the stored picture is turned to be shown.
    """
    left, top, right, bottom = shown
    if orientation >= 5:
        left, top, right, bottom = top, left, bottom, right
    if orientation in (2, 3, 7, 8):
        left, right = width - right, width - left
    if orientation in (3, 4, 6, 7):
        top, bottom = height - bottom, height - top
    return left, top, right, bottom
