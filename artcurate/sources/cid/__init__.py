"""CID, the Korean face photos with emotions (AI Hub 82)."""

from artcurate.sources.cid.reader import read_cid

__all__ = ["read_cid"]
