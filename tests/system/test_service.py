"""Service over REST: a case and its parts, and what a customer has."""


class TestCases:
    def test_a_case_may_be_a_part_of_another(self, server):
        server.create("/v1/customers?customerId=ada", {"displayName": "Ada", "kind": "PERSON"})
        path = "/v1/customers/ada/cases"
        house = server.create(f"{path}?caseId=house", {"kind": "REQUEST", "subject": "Handover"})
        part = {"kind": "INCIDENT", "subject": "The door", "parentCase": house["name"]}
        assert server.create(f"{path}?caseId=door", part)["parentCase"] == house["name"]
        parts = server.get(f"{path}?filter=parentCase%3D%22{house['name']}%22")
        assert [case["name"] for case in parts["cases"]] == ["customers/ada/cases/door"]
        refused = server.http("POST", path, part | {"parentCase": "customers/bob/cases/house"})
        assert (refused.code, refused.json["error"]["message"]) == (
            400, "case.parentCase: must be a case of customers/ada",
        )  # fmt: skip
        refused = server.http("PATCH", f"{path}/door", {"parentCase": "customers/ada/cases/other"})
        assert refused.code == 400
        remedy = {"resolution": {"remedy": "new hinges"}}
        server.create(f"{path}/house:resolve", remedy)
        refused = server.http("POST", f"{path}/house:close", {})
        assert (refused.code, refused.json["error"]["details"][0]["reason"]) == (400, "CASE_PARTS_OPEN")
        server.create(f"{path}/door:resolve", remedy)
        assert server.create(f"{path}/house:close", {})["state"] == "CLOSED"


class TestAssets:
    def test_an_asset_is_found_by_its_number_and_retired(self, server):
        server.create("/v1/customers?customerId=bob", {"displayName": "Bob", "kind": "PERSON"})
        pump = {"product": "products/pump-7", "serialNumber": "P7/0815", "warrantyEndDate": {"year": 2028, "month": 2, "day": 29}}
        name = server.create("/v1/customers/bob/assets?assetId=pump", pump)["name"]
        found = server.get("/v1/customers/-/assets?filter=serialNumber%3D%22P7/0815%22")
        assert [asset["name"] for asset in found["assets"]] == [name]
        retired = server.create(f"/v1/{name}:retire", {"reason": "scrapped"})
        assert (retired["state"], retired["retireReason"]) == ("RETIRED", "scrapped")
