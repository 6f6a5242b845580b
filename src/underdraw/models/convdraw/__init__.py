"""Convolutional DRAW (Gregor et al., "Towards Conceptual Compression", 2016)."""

from underdraw.models.convdraw.config import ConvDRAWConfig
from underdraw.models.convdraw.layer import Layer
from underdraw.models.convdraw.model import ConvDRAW, State

__all__ = ["ConvDRAW", "ConvDRAWConfig", "Layer", "State"]
