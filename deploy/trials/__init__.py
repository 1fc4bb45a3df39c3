"""Trials as a rollout carries them out: their state on AWS, what they have shown, and what to do about them next.

What a trial is and how it is started and ended is its strategy's business (`deploy/strategies`).
"""
