"""WikiArt, as the authors of ArtGAN collected it: 81,444 paintings in 27 style folders.

The archive `wikiart.zip` (25.4 GB) unpacks to `wikiart/<Style>/<artist>_<title>[-year][(n)].jpg`.
Names are lower-case slugs of `a-z 0-9 - _ . ( ) '`; 709 names of 11 artists hold UTF-8 that was
once read as Latin-1, invisible soft hyphens and no-break spaces among it, so a name is never
stripped or cut at white space. The first underscore ends the artist; titles hold more of them.
1,349 base names stand in two style folders, so only style and name together are a key. No checksum
of the archive was ever published and copies are known to be damaged; what the folder holds is taken
as it is, and the step `probe` finds the images that do not decode.

People hold it unpacked, as that zip or a tar, as one archive per style, and inside Parquet files;
nothing has to be unpacked.

Terms: non-commercial research.
"""

from __future__ import annotations

from artcurate.sources.wikiart.reader import locate_wikiart

__all__ = ["locate_wikiart"]
