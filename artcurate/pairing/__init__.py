"""Pairing two pools that share nothing but cells, on both sides of a split: pure arrays.

A pool is a list of items, each in a cell (what two items must share to be paired) and with an
owner (what must not lie on two sides of a split). Nothing here knows images, sentences or files.
"""
