"""ECC, the Korean dialogues with emotions (AI Hub 86)."""

from artcurate.sources.ecc.reader import read_ecc

__all__ = ["read_ecc"]
