"""The exceptions that mean "cannot go on"; each says what to do next."""


class CordonError(Exception):
    """A failure a user can meet: one sentence that says what happened and what to do."""


class BusyError(CordonError):
    """The pipeline is full; nothing was taken. Send again after ``retry_after_s`` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"busy: send again after {retry_after_s:g} s")
        self.retry_after_s = retry_after_s


class FencedError(CordonError):
    """Another owner has claimed the lane; what was judged ahead is void. Claim again before judging."""

    def __init__(self, lane: int) -> None:
        super().__init__(f"lane {lane} has another owner; this one stops")
        self.lane = lane


def first(error: BaseException) -> BaseException:
    """The first real exception inside groups of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
