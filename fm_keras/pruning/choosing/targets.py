"""How much of a network shall stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self, get_args

from fm_keras.errors import InvalidInput

TargetKind = Literal["keep", "macs", "params", "latency"]


@dataclass(frozen=True)
class Target:
    """One share of one thing.

    Raises:
        InvalidInput: an unknown kind, or a share that is not between 0 and 1.

    Example:
        >>> Target.of(macs=0.3)
        Target(kind='macs', share=0.3)
    """

    kind: TargetKind
    """keep: units that can go; macs: multiply-accumulates for one image; params: weights; latency: measured seconds"""
    share: float
    """share of the whole network that stays, at most"""

    def __post_init__(self) -> None:
        if self.kind not in get_args(TargetKind):
            raise InvalidInput(f"There is no target {self.kind!r}. Targets: {', '.join(get_args(TargetKind))}.")
        if not 0 < self.share < 1:
            raise InvalidInput(f"Target {self}: the share that stays must lie between 0 and 1, such as 0.5 for half.")

    def __str__(self) -> str:
        return f"{self.kind}={self.share:g}"

    @classmethod
    def of(
        cls,
        *,
        keep: float | None = None,
        macs: float | None = None,
        params: float | None = None,
        latency: float | None = None,
    ) -> Self:
        """The one target that is given.

        Raises:
            InvalidInput: none or more than one.
        """
        shares = {"keep": keep, "macs": macs, "params": params, "latency": latency}
        given = {kind: share for kind, share in shares.items() if share is not None}
        if len(given) != 1:
            received = ", ".join(f"{kind}={share:g}" for kind, share in given.items()) or "none"
            raise InvalidInput(f"Give exactly one of {', '.join(shares)}; received {received}.")
        ((kind, share),) = given.items()
        return cls(kind, share)
