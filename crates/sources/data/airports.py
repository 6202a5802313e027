"""Makes airports.txt, the table of IATA airport codes and their time zones.

    pip download --no-deps airportsdata==20260905
    python3 crates/sources/data/airports.py airportsdata-*.whl > crates/sources/data/airports.txt
"""

import csv
import io
import re
import sys
import zipfile

HEADER = """\
# IATA airport code -> time zone, one line a zone, from PyPI airportsdata {version} by airports.py in this folder.
#
{licence}
"""

with zipfile.ZipFile(sys.argv[1]) as wheel:
    version = re.search(r"airportsdata-([^-]+)-", sys.argv[1]).group(1)
    licence = next(name for name in wheel.namelist() if name.endswith("licenses/LICENSE"))
    licence = wheel.read(licence).decode().strip()
    rows = list(csv.DictReader(io.TextIOWrapper(wheel.open("airportsdata/airports.csv"), "utf-8")))

zones = {}
for row in rows:
    if re.fullmatch("[A-Z]{3}", row["iata"]):
        zones.setdefault(row["tz"], set()).add(row["iata"])

commented = "\n".join(f"# {line}".rstrip() for line in licence.splitlines())
print(HEADER.format(version=version, licence=commented), end="")
for zone in sorted(zones):
    print(zone, *sorted(zones[zone]))
