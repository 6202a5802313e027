"""Who may sign for a programme that no contract settles, as this service has agreed with the attestors.

Nobody else knows: the node lists its epochs at `/v1/epochs`, and is not believed about them. What was paid, the book knows.
"""

import time
from collections.abc import Callable, Mapping

from .registry import Epoch, Moment, Standing
from .statement import Answer, Programme


class Agreed:
    """In the place of a verifier contract's registry."""

    def __init__(
        self,
        programme: Programme,
        epochs: Mapping[int, Epoch],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.domain = programme
        self._epochs = epochs
        self._clock = clock

    def check_chain(self) -> None:
        """There is none."""

    def now(self) -> Moment:
        return Moment(0, int(self._clock()))

    def epoch(self, number: int, _at: Moment) -> Epoch | None:
        return self._epochs.get(number)

    def standing(self, _claim_key: bytes, _at: Moment) -> Standing:
        """Nobody stops a claim but this service."""
        return Standing(consumed=False, held=False, min_revision=0)

    def verifies(self, _answer: Answer, _at: Moment) -> bool:
        """Only a chain could ask a contract that has signed."""
        return False
