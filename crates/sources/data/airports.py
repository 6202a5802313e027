"""Makes airports.txt, the table of IATA airport codes and their time zones.

    pip install timezonefinder==9.0.0 timezonefinder-data==3.2026.3.post1
    pip download --no-deps airportsdata==20260905
    python3 crates/sources/data/airports.py airportsdata-*.whl > crates/sources/data/airports.txt

airportsdata names a zone for each airport. Where the zone of the place itself, by the borders that timezonefinder has, shows another
time in any season of 2013, 2020 or 2026, the place is right: airportsdata is behind in such cases (Chihuahua moved in 2022). In China
all timetables keep the time of Beijing, so airportsdata is right there. Where neither knows, there is no zone.
"""

import csv
import datetime
import importlib.metadata
import io
import re
import sys
import zipfile
import zoneinfo

import timezonefinder

HEADER = """\
# IATA airport code -> time zone, one line a zone, made by airports.py in this folder from PyPI airportsdata {version}.
# {corrected} of {all} zones are those of the place instead, by PyPI timezonefinder {finder} (timezone-boundary-builder, ODbL).
#
{licence}
"""

SEASONS = [
    datetime.datetime(year, month, 15, tzinfo=datetime.timezone.utc)
    for year in (2013, 2020, 2026)
    for month in (1, 4, 7, 10)
]


def shown(zone):
    return [at.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset() for at in SEASONS]


with zipfile.ZipFile(sys.argv[1]) as wheel:
    version = re.search(r"airportsdata-([^-]+)-", sys.argv[1]).group(1)
    licence = next(name for name in wheel.namelist() if name.endswith("licenses/LICENSE"))
    licence = wheel.read(licence).decode().strip()
    rows = list(csv.DictReader(io.TextIOWrapper(wheel.open("airportsdata/airports.csv"), "utf-8")))

finder = timezonefinder.TimezoneFinder(in_memory=True)
zones, corrected = {}, 0
for row in rows:
    if not re.fullmatch("[A-Z]{3}", row["iata"]):
        continue
    zone = row["tz"]
    place = finder.timezone_at(lng=float(row["lon"]), lat=float(row["lat"]))
    if row["country"] != "CN" and shown(place) != shown(zone):
        if place.startswith("Etc/"):
            continue
        zone, corrected = place, corrected + 1
    zones.setdefault(zone, set()).add(row["iata"])

commented = "\n".join(f"# {line}".rstrip() for line in licence.splitlines())
codes = sum(map(len, zones.values()))
finder = importlib.metadata.version("timezonefinder")
print(HEADER.format(version=version, corrected=corrected, all=codes, finder=finder, licence=commented), end="")
for zone in sorted(zones):
    print(zone, *sorted(zones[zone]))
