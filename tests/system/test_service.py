"""Service over REST: a case and its parts."""


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
