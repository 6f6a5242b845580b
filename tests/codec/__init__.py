"""Tests of the codec, and what they share. A package, as a script of runs has the same name."""
