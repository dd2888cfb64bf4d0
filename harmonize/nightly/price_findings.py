"""Findings from past prices between two runs: kept where nothing was calculated, and signals that ended."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from harmonize.audit.baseline import Baseline, KnownFinding, drifted
from harmonize.checks import adequacy, stress
from harmonize.checks.threshold_signals import CHECKS as SIGNALS
from harmonize.checks.threshold_signals import (
    PRICES_END,
    SIGNAL_CODES,
    is_recent,
    signal_fingerprint,
)
from harmonize.document import AuditDocument
from harmonize.document.night import EndedSignal

_ADEQUACY = frozenset(check.code for check in adequacy.CHECKS)
_STRESS = frozenset(check.code for check in stress.CHECKS)


def kept(document: AuditDocument, reference: Baseline) -> Mapping[str, KnownFinding]:
    """Returns the findings of an earlier run that remain known as they were, by fingerprint.

    The document does not decide on them, or they worsened by less than past prices drift.
    """
    return {**undecided(document, reference), **drifted(document, reference)}


def undecided(document: AuditDocument, reference: Baseline) -> Mapping[str, KnownFinding]:
    """Returns the findings of an earlier run on which a document does not decide, by fingerprint.

    A part that was not requested, or whose calculation failed, has no findings. They are neither new
    after that nor ended by it.
    """
    decided = _decided_codes(document)
    judged = {
        signal_fingerprint(check.code, subject)
        for subject in _judged_subjects(document)
        for check in SIGNALS
    }
    present = {finding.fingerprint for finding in (*document.findings, *document.waived)}
    return {
        fingerprint: known
        for fingerprint, known in reference.findings.items()
        if fingerprint not in present
        and known.code in _ADEQUACY | _STRESS | SIGNAL_CODES
        and known.code not in decided
        and fingerprint not in judged
    }


def ended_signals(document: AuditDocument, reference: Baseline) -> tuple[EndedSignal, ...]:
    """Returns the signals of an earlier run that are no longer on, of underlyings judged since."""
    return tuple(_ended(document, reference))


def _ended(document: AuditDocument, reference: Baseline) -> Iterator[EndedSignal]:
    present = {finding.fingerprint for finding in (*document.findings, *document.waived)}
    for underlying in _judged_underlyings(document):
        for check in SIGNALS:
            fingerprint = signal_fingerprint(check.code, underlying)
            known = reference.findings.get(fingerprint)
            if known is not None and fingerprint not in present:
                yield EndedSignal(check.code, check.name, known.level, underlying)


def _decided_codes(document: AuditDocument) -> frozenset[str]:
    """Returns the codes of the calculated parts; signals are decided per underlying."""
    tested = _ADEQUACY if document.adequacy.level is not None else frozenset()
    simulated = _STRESS if document.stress or document.stress_omitted else frozenset()
    return tested | simulated


def _judged_subjects(document: AuditDocument) -> tuple[str, ...]:
    """Returns the subjects of signals on which a document decides."""
    judged = _judged_underlyings(document)
    return (*judged, PRICES_END) if document.thresholds.rows else judged


def _judged_underlyings(document: AuditDocument) -> tuple[str, ...]:
    as_of = datetime.fromisoformat(document.as_of)
    return tuple(row.underlying for row in document.thresholds.rows if is_recent(row.day, as_of))
