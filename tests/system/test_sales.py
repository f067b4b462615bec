"""Sales over REST: each resource from its creation to its end, and what is refused."""


def reason(answer) -> str:
    return answer.json["error"]["details"][0].get("reason", "")


class TestActivities:
    def test_an_agenda_is_one_list_across_customers(self, server):
        for customer in ("agenda-a", "agenda-b"):
            server.create(f"/v1/customers?customerId={customer}", {"displayName": customer, "kind": "PERSON"})
            call = {"kind": "CALL", "subject": "Call back", "assignee": "users/7", "source": f"customers/{customer}/cases/c"}
            server.create(f"/v1/customers/{customer}/activities?activityId=call", call)
        done = server.create("/v1/customers/agenda-a/activities/call:complete", {"outcome": "reached", "nextStep": "visit"})
        assert (done["state"], done["outcome"], done["nextStep"]) == ("COMPLETED", "reached", "visit")
        agenda = server.get('/v1/customers/-/activities?filter=assignee%3D%22users/7%22+AND+state%3DOPEN')
        assert [activity["name"] for activity in agenda["activities"]] == ["customers/agenda-b/activities/call"]
        refused = server.http("POST", "/v1/customers/agenda-a/activities/call:cancel", {"reason": "late"})
        assert (refused.code, reason(refused)) == (400, "ACTIVITY_COMPLETED")
        again = server.create("/v1/customers/agenda-a/activities/call:reopen", {"reason": "called again"})
        assert again["state"] == "OPEN" and "outcome" not in again
