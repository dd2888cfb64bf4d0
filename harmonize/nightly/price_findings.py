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
        for check in SIGNALS
        for subject in _judged_subjects(document, check.code)
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
    """Returns the signals of an earlier run that are no longer on, where the document judges them."""
    return tuple(_ended(document, reference))


def _ended(document: AuditDocument, reference: Baseline) -> Iterator[EndedSignal]:
    present = {finding.fingerprint for finding in (*document.findings, *document.waived)}
    for row in document.thresholds.rows:
        for check in SIGNALS:
            fingerprint = signal_fingerprint(check.code, row.underlying)
            known = reference.findings.get(fingerprint)
            if known is None or fingerprint in present:
                continue
            if row.underlying in _judged_underlyings(document, check.code):
                yield EndedSignal(check.code, check.name, known.level, row.underlying)


def _decided_codes(document: AuditDocument) -> frozenset[str]:
    """Returns the codes of the calculated parts; signals are decided per underlying."""
    tested = _ADEQUACY if document.adequacy.level is not None else frozenset()
    simulated = _STRESS if document.stress or document.stress_omitted else frozenset()
    return tested | simulated


def _judged_subjects(document: AuditDocument, code: str) -> tuple[str, ...]:
    """Returns the subjects of a signal on which a document decides."""
    judged = _judged_underlyings(document, code)
    return (*judged, PRICES_END) if document.thresholds.rows else judged


def _judged_underlyings(document: AuditDocument, code: str) -> tuple[str, ...]:
    """Returns the underlyings with recent prices and with all that a signal compares."""
    as_of = datetime.fromisoformat(document.as_of)
    thresholds = document.thresholds
    unknown = {
        underlying
        for signal in thresholds.signals
        if signal.signal == code
        for underlying in signal.not_judged
    }
    return tuple(
        row.underlying
        for row in thresholds.rows
        if is_recent(row.day, as_of) and row.underlying not in unknown
    )
