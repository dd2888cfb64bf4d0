"""MH9xx: completeness, age and readability of the data that venues sent."""

from collections.abc import Iterator

from harmonize.checks.base import AuditContext, Check, Draft
from harmonize.core.payload import Origin, RemarkKind
from harmonize.document import Level, Verdict
from harmonize.document.rows import SnapshotAge
from harmonize.text.messages import iso_utc
from venues.completeness import partial_reason


def data_unreadable(context: AuditContext) -> Iterator[Draft]:
    """Data that a venue sent could not be read.

    ## What it checks
    Every payload and every row in it has the content that the endpoint specifies. Numbers are in a
    plausible range, and words are known to the adapter of the venue.

    ## Why it matters
    An instrument with an unreadable row is not observable. It never becomes compliant, and the
    audit is incomplete (exit code 3).

    ## Formula
    One finding per instrument, or per position in the payload if no instrument can be identified.

    ## Example
    A maintenance rate of "NaN", or a truncated response.

    ## Citation
    Design rule of this tool: no value is replaced by a default without notice.
    """
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for defect in context.defects:
        position = "" if defect.symbol else defect.where
        reason = f"{defect.where}: {defect.reason}"
        reasons.setdefault((defect.venue, defect.symbol, position), []).append(reason)
    for (venue, symbol, position), texts in reasons.items():
        message = "; ".join(dict.fromkeys(texts))
        yield Draft(
            Verdict.NOT_OBSERVABLE, Level.ERROR, venue, message, symbol=symbol, subject=position
        )


def observation_stale(context: AuditContext) -> Iterator[Draft]:
    """The newest observation of a venue is old.

    ## What it checks
    The age of the newest snapshot of a venue on the date of the audit, against the limit of the
    audit (default 30 days).

    ## Why it matters
    Venues change margins every week. An old schedule may differ entirely from the current margins
    of the venue; it is compared, and marked as stale.

    ## Formula
    date of the audit − earliest possible date of the newest snapshot > limit of the audit. A
    snapshot without an earliest date is stale.

    ## Example
    A snapshot of 2024-12-25 in an audit as of 2026-09-25: 639 days.

    ## Citation
    The change logs of venues: margins change every week.
    """
    for snapshot in context.snapshot_ages:
        if snapshot.stale:
            yield Draft(
                Verdict.NOT_APPLICABLE,
                Level.WARNING,
                snapshot.venue,
                f"newest snapshot: observed age {_age_text(snapshot)} at the audit, "
                f"required at most {context.stale_after_days:g} days",
                observed_at=iso_utc(snapshot.observed_at),
                observed_from=snapshot.precision.earliest_text(snapshot.observed_at),
                date_kind=snapshot.precision.kind.value,
            )


def _age_text(snapshot: SnapshotAge) -> str:
    is_open = snapshot.precision.older_end(snapshot.observed_at) is None
    return f"{'at least ' if is_open else ''}{snapshot.age_days:.0f} days"


def venue_not_observed(context: AuditContext) -> Iterator[Draft]:
    """The newest attempt did not obtain the margins of a venue.

    ## What it checks
    Every venue that the tool supports was gathered or recorded. A failed attempt is an error. A
    venue without an attempt (because it requires a key, or was not gathered) is information only.

    ## Why it matters
    A venue that did not respond is not compliant. The audit shows the last valid snapshot of the
    venue, if there is one. An audit after a failed attempt is incomplete (exit code 3).

    ## Formula
    The newest attempt failed, or there was no attempt.

    ## Example
    A venue responds with HTTP status 403 to requests from the location of the gathering host; its
    last valid snapshot is 12 days old.

    ## Citation
    Design rule of this tool: a failed venue is reported as failed.
    """
    newest = {snapshot.venue: snapshot for snapshot in context.snapshot_ages}
    for venue in context.unobserved:
        last = "never observed"
        if venue.venue in newest:
            last = f"last observed {newest[venue.venue].age_days:.0f} days before the audit"
        attempt = f"{venue.attempted_at:%Y-%m-%d %H:%M} UTC: " if venue.attempted_at else ""
        yield Draft(
            Verdict.NOT_OBSERVABLE,
            Level.ERROR if venue.attempted_at else Level.INFO,
            venue.venue,
            f"{attempt}{venue.reason}; {last}",
        )


def snapshot_incomplete(context: AuditContext) -> Iterator[Draft]:
    """The newest snapshot of a venue does not contain every instrument.

    ## What it checks
    Whether the snapshot was gathered or recorded completely.

    ## Why it matters
    Nothing is known about the instruments that the snapshot does not contain. Absence from the
    snapshot does not mean that the venue does not list the contract.

    ## Formula
    The newest snapshot of the venue is marked as partial.

    ## Example
    A recording of two contracts out of two hundred.

    ## Citation
    Design rule of this tool: correctness before coverage.
    """
    newest = {snapshot.venue: snapshot.observed_at for snapshot in context.snapshot_ages}
    for snapshot in context.snapshots:
        if not snapshot.complete and snapshot.observed_at == newest.get(snapshot.venue):
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.INFO,
                snapshot.venue,
                "the newest snapshot is partial: it does not contain every instrument",
                observed_at=iso_utc(snapshot.observed_at),
                observed_from=snapshot.precision.earliest_text(snapshot.observed_at),
                date_kind=snapshot.precision.kind.value,
            )


def recorded_only(context: AuditContext) -> Iterator[Draft]:
    """No data of a venue was gathered by this tool.

    ## What it checks
    The origin of every payload in the snapshots of a venue.

    ## Why it matters
    A recording by a third party may be truncated or rounded, and its date may be the date of a
    file. Data gathered by this tool are stored byte for byte.

    ## Formula
    No payload of the venue has the origin `live`.

    ## Example
    A response that a public repository keeps as a test fixture.

    ## Citation
    The provenance of each payload states its origin.
    """
    live = {
        snapshot.venue
        for snapshot in context.snapshots
        if any(payload.provenance.origin is Origin.LIVE for payload in snapshot.payloads)
    }
    for snapshot in context.snapshot_ages:
        if snapshot.venue not in live:
            yield Draft(
                Verdict.NOT_APPLICABLE,
                Level.INFO,
                snapshot.venue,
                "recorded by a third party or taken from documentation, never gathered live",
                observed_at=iso_utc(snapshot.observed_at),
                observed_from=snapshot.precision.earliest_text(snapshot.observed_at),
                date_kind=snapshot.precision.kind.value,
            )


def no_schedule_read(context: AuditContext) -> Iterator[Draft]:
    """A venue was observed, but no margin schedule was read from its data.

    ## What it checks
    Whether the snapshots of the venue produced at least one schedule.

    ## Why it matters
    The venue responded. Either it does not publish margins there, or it changed its data format
    and the adapter must be corrected.

    ## Formula
    There is a snapshot but no schedule.

    ## Example
    A listing without any margin field.

    ## Citation
    Design rule of this tool: a venue that is not observed is reported as not observed.
    """
    venues = {schedule.instrument.venue for schedule in context.schedules}
    for snapshot in context.snapshot_ages:
        if snapshot.venue not in venues:
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.WARNING,
                snapshot.venue,
                "observed, but no margin schedule could be read",
                observed_at=iso_utc(snapshot.observed_at),
                observed_from=snapshot.precision.earliest_text(snapshot.observed_at),
                date_kind=snapshot.precision.kind.value,
            )


def field_unknown(context: AuditContext) -> Iterator[Draft]:
    """A row with margins has a field that this version does not know.

    ## What it checks
    Every field of a row with margins, and of the list entry around it, is in a recording, is read
    by the adapter of the venue, or is documented. A null or empty field counts as absent.

    ## Why it matters
    A new field can change the meaning of the others. A field whose name or place concerns margin,
    size, unit or status hides the schedule (MH901). Any other field hides nothing, and this finding
    names it.

    ## Formula
    One finding per venue, endpoint and field, with the number of rows and the first position. Fields
    that cannot concern margin, such as times, names, fees and tick sizes, are counted in one finding
    per endpoint.

    ## Example
    A tier with a description that was not there before.

    ## Citation
    Design rule of this tool: no change of a venue's data passes without notice.
    """
    messages: dict[tuple[str, str], str] = {}
    for remark in context.remarks:
        if remark.kind is RemarkKind.UNKNOWN_FIELD:
            messages.setdefault((remark.venue, remark.where), remark.text)
    for (venue, where), message in messages.items():
        yield Draft(Verdict.NOT_APPLICABLE, Level.INFO, venue, message, subject=where)


def list_shortened(context: AuditContext) -> Iterator[Draft]:
    """The newest response of a venue lists only a part of its contracts.

    ## What it checks
    Whether a response names a further page that is not in the snapshot, fills its page, was asked
    for some instruments only, or lost a fifth of the contracts or a whole exchange since the last
    complete list.

    ## Why it matters
    A part of a list looks like a list on which contracts were delisted. The snapshot is partial:
    what it lacks counts as not observed, and its last observation stays in use. A second list that
    lacks the same contracts, at least 12 hours later, is believed.

    ## Formula
    Lost contracts / contracts of the last complete list > 20 % and at least 3, or all contracts of
    an exchange, or all of at least 3 contracts with one settlement currency and payoff. Expired
    contracts do not count.

    ## Example
    A list of 300 contracts of which one night shows 200, because the second page failed.

    ## Citation
    Convention of this tool; one of 117 dated lists of Binance lost that much, when contracts in
    BUSD ended.
    """
    newest = {snapshot.venue: snapshot.observed_at for snapshot in context.snapshot_ages}
    for snapshot in context.snapshots:
        reason = partial_reason(snapshot)
        if reason and snapshot.observed_at == newest.get(snapshot.venue):
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.WARNING,
                snapshot.venue,
                f"the newest snapshot is partial: {reason}",
                observed_at=iso_utc(snapshot.observed_at),
                observed_from=snapshot.precision.earliest_text(snapshot.observed_at),
                date_kind=snapshot.precision.kind.value,
            )


def value_doubled(context: AuditContext) -> Iterator[Draft]:
    """A rate or leverage of a contract is exactly twice or half the one observed before.

    ## What it checks
    The published leverage and rates of a contract with one tier, against its last believed
    observation, or against the recording that ships with the tool on a first night.

    ## Why it matters
    Venues do halve the leverage of a contract. An exact factor of two may also be a field with
    another meaning. The schedule stays in use, and the finding asks for a look.

    ## Formula
    One factor of 2 or 1/2 between all values of a column, up to 10⁻⁹.

    ## Example
    A maximum leverage of 50 that reads 100 on the next night.

    ## Citation
    Convention of this tool.
    """
    for remark in context.remarks:
        if remark.kind is RemarkKind.DOUBLED:
            yield Draft(
                Verdict.NOT_APPLICABLE,
                Level.WARNING,
                remark.venue,
                remark.text,
                symbol=remark.symbol,
                subject=remark.where,
            )


CHECKS = (
    Check("MH901", "data-unreadable", data_unreadable),
    Check("MH902", "observation-stale", observation_stale),
    Check("MH903", "venue-not-observed", venue_not_observed),
    Check("MH904", "snapshot-incomplete", snapshot_incomplete),
    Check("MH905", "recorded-only", recorded_only),
    Check("MH906", "no-schedule-read", no_schedule_read),
    Check("MH907", "field-unknown", field_unknown),
    Check("MH908", "list-shortened", list_shortened),
    Check("MH909", "value-doubled", value_doubled),
)
