"""Errors of questions: each is one line with the problem and its fix."""


class RequestError(Exception):
    """A question that cannot be answered: one line with the reason and the alternatives."""


class NotObservedError(RequestError):
    """A valid question about something that was not observed."""
