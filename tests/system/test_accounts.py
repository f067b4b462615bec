"""Accounts by its paths, as a call-centre desktop and an integration job use it."""

import pytest


@pytest.fixture(scope="module")
def ada(server) -> str:
    return server.create("/v1/customers?customerId=ada", {"displayName": "Ada", "kind": "PERSON"})["name"]


def violation(answer) -> str:
    """The field of a BadRequest."""
    assert answer.code == 400, answer.text
    return answer.json["error"]["details"][0]["fieldViolations"][0]["field"]


class TestContactPoints:
    def test_a_phone_is_kept_as_e164(self, server, ada):
        point = server.create(
            f"/v1/{ada}/contactPoints?contactPointId=office", {"phone": {"raw": "030 / 90 18 20", "regionCode": "DE"}}
        )
        assert point["phone"] == {"number": "+4930901820"}
        changed = server.http("PATCH", f"/v1/{point['name']}", {"phone": {"raw": "(415) 555-2671", "regionCode": "US"}})
        assert changed.json["phone"] == {"number": "+14155552671"}
        assert server.get(f"/v1/{point['name']}") == changed.json

    def test_verify_and_prefer(self, server, ada):
        name = server.create(f"/v1/{ada}/contactPoints", {"email": "Ada@Example.COM "})["name"]
        assert server.create(f"/v1/{name}:verify", {"method": "CODE"})["verification"]["method"] == "CODE"
        point = server.create(f"/v1/{name}:prefer", {})
        assert point["email"] == "Ada@example.com" and point["preferTime"]

    def test_preferred_hours_are_of_a_time_zone(self, server, ada):
        morning = {"dayOfWeek": "MONDAY", "start": {"hours": 9, "minutes": 30}, "end": {"hours": 12}}
        preferred = {"timeZone": "Europe/Berlin", "hours": [morning]}
        name = server.create(f"/v1/{ada}/contactPoints", {"email": "a@example.com", "preferredHours": preferred})["name"]
        assert server.get(f"/v1/{name}")["preferredHours"] == preferred
        nowhere = server.http("PATCH", f"/v1/{name}", {"preferredHours": preferred | {"timeZone": "Europe/Bonn"}})
        assert violation(nowhere) == "contactPoint.preferredHours.timeZone"
        twice = server.http("PATCH", f"/v1/{name}", {"preferredHours": preferred | {"hours": [morning, morning]}})
        assert violation(twice) == "contactPoint.preferredHours.hours[1]"

    def test_a_wrong_number_names_its_field(self, server, ada):
        phone = {"phone": {"raw": "12", "regionCode": "DE"}}
        assert violation(server.http("POST", f"/v1/{ada}/contactPoints", phone)) == "contactPoint.phone.raw"
        both = {"email": "ada@example.com", "phone": {"number": "+4930901820"}}
        assert server.http("POST", f"/v1/{ada}/contactPoints", both).code == 400


class TestLookup:
    def test_a_number_finds_its_customer(self, server, ada):
        server.create(f"/v1/{ada}/contactPoints", {"phone": {"number": "+44 20 7946 0958"}})
        for asked in ("phone=020%207946%200958&region=GB", "phone=%2B442079460958"):
            matches = server.get(f"/v1/customers:lookup?{asked}")["matches"]
            assert [match["customer"]["name"] for match in matches] == [ada]
            assert matches[0]["reasons"] == ["PHONE"]

    def test_nobody_is_an_empty_answer(self, server):
        assert not server.get("/v1/customers:lookup?email=nobody@example.com").get("matches")

    def test_says_what_is_wrong(self, server):
        assert violation(server.http("GET", "/v1/customers:lookup")) == "phone"
        both = "/v1/customers:lookup?email=ada@example.com&phone=%2B442079460958"
        assert violation(server.http("GET", both)) == "email"
        assert "%2B" in server.http("GET", "/v1/customers:lookup?phone=+442079460958").text


class TestLifecycle:
    def test_moves_with_a_reason(self, server, ada):
        for verb, stage in (("establish", "ESTABLISHED"), ("develop", "DEVELOPED"), ("break", "BROKEN"),
                            ("winBack", "WON_BACK"), ("maintain", "MAINTAINED")):  # fmt: skip
            moved = server.create(f"/v1/{ada}:{verb}", {"reason": f"because of {verb}"})
            assert (moved["stage"], moved["stageReason"]) == (stage, f"because of {verb}")
        listed = server.all('/v1/customers?filter=stage%3DMAINTAINED', "customers")
        assert [customer["name"] for customer in listed] == [ada]

    def test_a_wrong_order_says_the_way_out(self, server, ada):
        answer = server.http("POST", f"/v1/{ada}:winBack", {"reason": "apology"})
        assert answer.code == 400
        assert answer.json["error"]["details"][0]["reason"] == "CUSTOMER_NOT_BROKEN"
        assert violation(server.http("POST", f"/v1/{ada}:break", {})) == "reason"


class TestUpsert:
    BODY = {"externalId": {"system": "sap", "id": "0001234/A b"}, "customer": {"displayName": "Ida", "kind": "PERSON"}}

    def test_one_key_is_one_customer(self, server):
        created = server.create("/v1/customers:upsert", self.BODY, **{"Idempotency-Key": "u1"})
        again = server.http("POST", "/v1/customers:upsert", self.BODY, {"Idempotency-Key": "u1"})
        assert again.json == created and again.headers["rapport-repeat"] == "true"
        changed = self.BODY | {"customer": {"displayName": "Ida B.", "kind": "PERSON"}}
        assert server.create("/v1/customers:upsert", changed)["name"] == created["name"]
        found = server.get("/v1/customers:lookup?externalId.system=sap&externalId.id=0001234%2FA%20b")
        assert found["matches"][0]["customer"]["displayName"] == "Ida B."

    def test_a_key_is_taken_once(self, server, ada):
        key = {"system": "web-shop", "id": "Ada@Example"}
        link = server.create("/v1/externalIds", {"key": key, "customer": ada})
        assert server.get(f"/v1/{link['name']}")["customer"] == ada
        assert server.http("POST", "/v1/externalIds", {"key": key}).code == 409
        assert violation(server.http("POST", "/v1/externalIds", {"key": {"system": "A", "id": "1"}})) == (
            "externalId.key.system"
        )


class TestRelationships:
    def test_are_seen_from_both_ends(self, server, ada):
        acme = server.create("/v1/customers?customerId=acme", {"displayName": "Acme", "kind": "ORGANIZATION"})["name"]
        body = {"type": "WORKS_FOR", "object": acme, "fromDate": {"year": 2026, "month": 3, "day": 1}}
        made = server.create(f"/v1/{ada}/relationships", body)
        assert server.all(f"/v1/{ada}/relationships", "relationships") == [made]
        others = "/v1/customers/-/relationships?filter=object%3D%22customers/acme%22"
        assert server.all(others, "relationships") == [made]
        early = {"toDate": {"year": 2026, "month": 2, "day": 28}}
        assert violation(server.http("PATCH", f"/v1/{made['name']}", early)) == "relationship.toDate"
