"""Multimodal emotion datasets that load, do not leak and can be rebuilt bit for bit."""

__version__ = "0.1.0"
