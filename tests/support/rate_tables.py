"""Tables of exchange rates as the European Central Bank publishes them."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo


def table(*days: str, currencies: str = "USD, JPY") -> bytes:
    """A table: ``2026-11-20, 1.0823, 163.42`` a day."""
    return "\n".join([f"Date, {currencies}, ", *(f"{day}, " for day in days), ""]).encode()


def zipped(*contents: bytes) -> bytes:
    """A zip with a file of each content."""
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as file:
        for number, content in enumerate(contents):
            # Without a clock: the bytes name tests, and workers must agree on names.
            file.writestr(ZipInfo(f"eurofxref{number}.csv", (2026, 11, 20, 16, 0, 0)), content)
    return packed.getvalue()
