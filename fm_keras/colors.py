"""The colors that mean the same in every picture and page: field, cluster, noise, own, on light and on dark ground."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """Hex colors by what they stand for.  Color-blind safe: they also differ in lightness."""

    field_low: str
    """positive field, near zero"""
    field_middle: str
    """positive field, half of the largest"""
    field_high: str
    """positive field, the largest"""
    negative: str
    """negative field"""
    below: str
    """element of a thresholded matrix that is not above the threshold"""
    cluster: str
    """element above the threshold inside a cluster; always with a frame where clusters are blocks"""
    noise: str
    """element above the threshold outside all clusters; always with a dot"""
    own: str
    """the filter or layer that is looked at"""
    paper: str
    """ground"""
    ink: str
    """text, frames, dots"""
    soft: str
    """text beside"""
    line: str
    """rules and grids"""


LIGHT = Palette(
    field_low="#e4eef8",
    field_middle="#4f95cf",
    field_high="#08306b",
    negative="#b9bec5",
    below="#f2f4f6",
    cluster="#0b5d5e",
    noise="#f2c230",
    own="#d95f02",
    paper="#ffffff",
    ink="#1b2430",
    soft="#5a6572",
    line="#dde2e7",
)
DARK = Palette(
    field_low="#1d2f45",
    field_middle="#3f7fbd",
    field_high="#a8d4ff",
    negative="#565c64",
    below="#1f252d",
    cluster="#2fa39c",
    noise="#f2c230",
    own="#ff9447",
    paper="#12161c",
    ink="#e8edf2",
    soft="#a3adb8",
    line="#333b45",
)
