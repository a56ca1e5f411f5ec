"""Answers from intervals: yes, no, or None where it cannot be told; and the verdict of several."""

from comparison.claims import FAILS, HOLDS, UNDECIDED
from comparison.statistics import ENOUGH_ROUNDS


def above(estimate, bound):
    """Whether the true value is: the whole interval must say so, and enough rounds made it."""
    if estimate is None or estimate.count < ENOUGH_ROUNDS:
        return None
    if estimate.low > bound:
        return True
    return False if estimate.high < bound else None


def below(estimate, bound):
    answer = above(estimate, bound)
    return None if answer is None else not answer


def within(estimate, low, high):
    return every(above(estimate, low), below(estimate, high))


def every(*answers):
    if False in answers:
        return False
    return None if None in answers else True


def some(*answers):
    if True in answers:
        return True
    return None if None in answers else False


def verdict(*answers):
    """It holds when all answers are yes, and does not when one is no."""
    return {True: HOLDS, False: FAILS, None: UNDECIDED}[every(*answers)]
