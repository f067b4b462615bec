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


def usd(text: str) -> dict:
    units, _, cents = text.partition(".")
    return {"currencyCode": "USD", "units": units, "nanos": int(cents.ljust(9, "0"))}


class TestOrders:
    def test_what_comes_back_is_within_what_was_bought_and_shows_in_the_margin(self, server):
        server.create("/v1/products?productId=oats", {"displayName": "Oats"})
        server.create("/v1/customers?customerId=returner", {"displayName": "Ada", "kind": "PERSON"})
        line = {"product": "products/oats", "quantity": {"value": "3"}, "amount": usd("3.99"), "unitCost": usd("0.8855"), "margin": usd("99")}
        order = server.create("/v1/customers/returner/orders?orderId=o", {"lines": [line]})
        assert order["margin"] == order["lines"][0]["margin"] == {"currencyCode": "USD", "units": "1", "nanos": 330000000}
        back = {"reason": "stale", "lines": [{"line": 1, "quantity": {"value": "2"}, "amount": usd("2.66")}]}
        refused = server.http("POST", f"/v1/{order['name']}:return", back)
        assert (refused.code, reason(refused)) == (400, "ORDER_NOT_FULFILLED")
        server.create(f"/v1/{order['name']}:fulfill", {})
        key = {"Idempotency-Key": "return-1"}
        returned = server.create(f"/v1/{order['name']}:return", back, **key)
        assert server.create(f"/v1/{order['name']}:return", back, **key) == returned
        assert returned["returnedTotal"] == {"currencyCode": "USD", "units": "2", "nanos": 660000000}
        assert returned["margin"] == returned["lines"][0]["margin"] == {"currencyCode": "USD", "nanos": 440000000}
        refused = server.http("POST", f"/v1/{order['name']}:return", back)
        assert (refused.code, reason(refused)) == (400, "RETURN_EXCEEDS_LINE")
        # Whoever sends a returned order back with another note changes the note only.
        noted = server.http("PATCH", f"/v1/{order['name']}", returned | {"note": "ring twice"})
        assert (noted.code, noted.json.get("note")) == (200, "ring twice"), noted.text
        assert noted.json["lines"] == returned["lines"]


def eur(units: int) -> dict:
    return {"currencyCode": "EUR", "units": units}


class TestPriceBooks:
    def test_prices_are_rows_below_their_book_and_in_its_currency(self, server):
        for product in ("rye", "spelt"):
            server.create(f"/v1/products?productId={product}", {"displayName": product})
        for book in ("retail", "trade"):
            server.create(f"/v1/priceBooks?priceBookId={book}", {"displayName": book, "currencyCode": "EUR"})
        assert server.create("/v1/priceBooks/retail:activate", {})["state"] == "ACTIVE"
        tiers = [{"minimumQuantity": {"value": "10"}, "unitPrice": eur(4)}]
        rye = {"product": "products/rye", "unitPrice": eur(5), "tiers": tiers, "unitCost": eur(2)}
        assert server.create("/v1/priceBooks/retail/prices", rye)["name"] == "priceBooks/retail/prices/rye"
        server.create("/v1/priceBooks/trade/prices", {"product": "products/spelt", "unitPrice": eur(3)})
        names = [price["name"] for price in server.all("/v1/priceBooks/-/prices", "prices")]
        assert names == ["priceBooks/retail/prices/rye", "priceBooks/trade/prices/spelt"]

        quote = server.get("/v1/priceBooks/retail:price?product=products/rye&quantity.value=10.5&time=2026-01-01T00:00:00Z")
        assert (quote["total"], quote["unitCost"]) == ({"currencyCode": "EUR", "units": "42"}, {"currencyCode": "EUR", "units": "2"})
        assert (quote["price"], quote["tier"]["minimumQuantity"]) == ("priceBooks/retail/prices/rye", {"value": "10"})
        draft = server.http("GET", "/v1/priceBooks/trade:price?product=products/spelt")
        assert (draft.code, reason(draft)) == (400, "PRICE_BOOK_NOT_ACTIVE")

        def refused(path: str, price: dict) -> tuple[int, str]:
            answer = server.http("POST", path, price)
            return answer.code, answer.json["error"]["message"]

        spelt = {"product": "products/spelt", "unitPrice": {"currencyCode": "USD", "units": 3}}
        assert refused("/v1/priceBooks/retail/prices", spelt) == (400, "price.unitPrice: must be in EUR, as the price book is")
        assert refused("/v1/priceBooks/none/prices", rye)[0] == 404
        assert refused("/v1/priceBooks/retail/prices", rye | {"product": "products/none"})[0] == 400
        server.http("DELETE", "/v1/priceBooks/trade")
        assert refused("/v1/priceBooks/trade/prices", rye)[0] == 400


class TestOpportunities:
    def test_a_deal_goes_through_the_stages_of_its_process(self, server):
        stages = [
            {"stageId": "lead", "displayName": "Lead", "category": "OMITTED", "probabilityPercent": 10},
            {"stageId": "bid", "displayName": "Bid", "category": "COMMIT", "probabilityPercent": 80},
        ]
        process = server.create("/v1/salesProcesses?salesProcessId=direct", {"displayName": "Direct", "stages": stages})
        server.create("/v1/customers?customerId=buyer", {"displayName": "Ada", "kind": "PERSON"})
        path = "/v1/customers/buyer/opportunities"
        deal = {"process": "salesProcesses/direct", "displayName": "Fleet", "owner": "users/7", "amount": usd("9.5")}
        opened = server.create(f"{path}?opportunityId=o&occurTime=2026-01-01T00:00:00Z", deal)
        assert (opened["stage"], opened["probabilityPercent"]) == ("lead", 10)

        # What the process says later holds for stages that are entered later.
        stages[1]["probabilityPercent"] = 70
        assert server.http("PATCH", f"/v1/{process['name']}", {"stages": stages}).code == 200
        advanced = server.create(f"{path}/o:advance", {"stage": "bid", "occurTime": "2026-01-03T00:00:00Z"})
        assert (advanced["stage"], advanced["probabilityPercent"], advanced["category"]) == ("bid", 70, "COMMIT")
        assert advanced["stageHistory"][0] == {
            "stage": "lead", "enterTime": "2026-01-01T00:00:00Z", "timeInStage": "172800s",
        }  # fmt: skip
        refused = server.http("POST", f"{path}/o:advance", {"stage": "dinner"})
        assert refused.code == 400 and "it has lead, bid" in refused.json["error"]["message"]
        stuck = server.get('/v1/customers/-/opportunities?filter=stage%3D%22bid%22+AND+stage_enter_time%3C%222026-02-01T00:00:00Z%22')
        assert [deal["name"] for deal in stuck["opportunities"]] == ["customers/buyer/opportunities/o"]

        lost = server.create(f"{path}/o:lose", {"reason": "price", "competitor": "Acme"})
        assert (lost["state"], lost["competitor"]) == ("LOST", "Acme")
        refused = server.http("POST", f"{path}/o:win", {})
        assert (refused.code, reason(refused)) == (400, "OPPORTUNITY_CLOSED")
        assert server.create(f"{path}/o:reopen", {"reason": "they came back"})["state"] == "OPEN"
        assert server.create(f"{path}/o:win", {})["state"] == "WON"
