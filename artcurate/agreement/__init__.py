"""How far annotators agree: votes, soft labels, Krippendorff's alpha, divergence between groups.

Pure numpy over arrays of counts; nothing here knows corpora or files.
"""
