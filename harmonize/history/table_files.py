"""Reading of Parquet files that may be damaged: a table can be computed again, so damage is no end."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


class DamagedTableError(Exception):
    """A file that is no whole table; whoever reads it computes its content again."""


def read_table(
    path: Path,
    *,
    columns: Sequence[str] | None = None,
    dictionary: Sequence[str] = (),
    filters: Any = None,  # noqa: ANN401 - pyarrow has no types
) -> Any:  # noqa: ANN401 - as above
    """Returns the table of a file, or some columns of it; those of ``dictionary`` keep their codes.

    ``filters`` chooses rows, as pyarrow has it. Raises DamagedTableError: the content cannot be read,
    or its checksums differ; FileNotFoundError, PermissionError.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only tables need it
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    try:
        return pq.read_table(
            path,
            columns=None if columns is None else list(columns),
            partitioning=None,
            read_dictionary=list(dictionary),
            filters=filters,
            page_checksum_verification=True,
        )
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, pa.ArrowException) as error:
        message = f"{path}: damaged table: {' '.join(str(error).split())}"
        raise DamagedTableError(message) from error
