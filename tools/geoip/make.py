"""Makes the small databases of places that the tests read: tests/data/places.mmdb and tests/data/places-later.mmdb.

    python3 -m venv venv && venv/bin/pip install -r tools/geoip/requirements.txt
    venv/bin/python tools/geoip/make.py

The networks are those that RFC 5737 and RFC 3849 keep for documentation; the places are invented for them.
"""

from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet

DATA = Path(__file__).parents[2] / "tests" / "data"


def place(country, city=None):
    entry = {"country": {"iso_code": country}}
    if city:
        entry["city"] = {"names": {"en": city}}
    return entry


def write(name, places):
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Doorbook-Test-City", languages=["en"])
    for network, entry in places.items():
        writer.insert_network(IPSet([network]), entry)
    writer.to_db_file(str(DATA / name))


write(
    "places.mmdb",
    {
        "203.0.113.0/25": place("SE", "Linköping"),
        "198.51.100.0/24": place("CH"),
        "2001:db8:7::/48": place("NZ", "Wellington"),
    },
)
write("places-later.mmdb", {"203.0.113.0/25": place("NO", "Tromsø")})
