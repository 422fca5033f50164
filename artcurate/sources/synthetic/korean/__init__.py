"""A synthetic ECC and CID, in the very files that users of AI Hub hold."""

from artcurate.sources.synthetic.korean.sample import KoreanSample, write_korean_sample

__all__ = ["KoreanSample", "write_korean_sample"]
