"""What holds unless something else is said: numbers alone, which commands show without torch."""

MAX_PIXELS = 1 << 24
"""Height times width of a picture, or of all pictures of a block, that is coded or decoded unless
the caller says otherwise: 4096 x 4096. Each takes one to two kilobytes of memory, and so do
those that fill a picture up to the model's stride: `library.fit` counts them, too."""
RATES = (0.05, 0.1, 0.15, 0.2, 0.4, 0.8)
"""Bits for every level at which codecs are compared."""
