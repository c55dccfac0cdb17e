"""An analyst's work in Superset through its REST API: a database, datasets and chart data.

Superset's Python runs it in the folder of its settings; it prints the result of each step.
"""

import json
import os
import sys
from typing import Any

from superset.app import create_app

PASSWORD = os.environ["SUPERSET_PASSWORD"]


class Analyst:
    """A logged-in user."""

    def __init__(self, app: Any) -> None:
        self.client = app.test_client()
        who = {"username": "analyst", "password": PASSWORD, "provider": "db"}
        self.headers = {"Authorization": f"Bearer {self.post('security/login', who)['access_token']}"}

    def post(self, place: str, wanted: dict[str, Any]) -> dict[str, Any]:
        headers = getattr(self, "headers", {})
        return self._told(self.client.post(f"/api/v1/{place}", json=wanted, headers=headers))

    def get(self, place: str) -> dict[str, Any]:
        return self._told(self.client.get(f"/api/v1/{place}", headers=self.headers))

    def _told(self, response: Any) -> dict[str, Any]:
        if response.status_code >= 300:
            sys.exit(f"{response.request.path}: {response.status} {response.get_data(as_text=True)[:2000]}")
        return dict(response.get_json())

    def chart(self, dataset: int, columns: list[str], metrics: list[Any], filters: list[Any]) -> list[dict[str, Any]]:
        query = {"columns": columns, "metrics": metrics, "filters": filters, "orderby": [], "row_limit": 1000}
        wanted = {"datasource": {"id": dataset, "type": "table"}, "queries": [query], "result_format": "json"}
        return list(self.post("chart/data", wanted)["result"][0]["data"])


def install(app: Any) -> None:
    """Create the roles and one user."""
    with app.app_context():
        from superset.extensions import appbuilder, security_manager

        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        admin = security_manager.find_role("Admin")
        security_manager.add_user("analyst", "An", "Analyst", "analyst@localhost", admin, password=PASSWORD)


def main(catalog: str) -> dict[str, Any]:
    """Return the data that the tests check."""
    app = create_app()
    install(app)
    analyst = Analyst(app)
    extra = json.dumps({"engine_params": {"connect_args": {"read_only": True}}})
    uri = f"duckdb:///{catalog}"
    database = analyst.post("database/", {"database_name": "liquidations", "sqlalchemy_uri": uri, "extra": extra})["id"]
    table = analyst.post("dataset/", {"database": database, "schema": "mart", "table_name": "market_balance"})["id"]
    asked = {"database": database, "schema": "mart", "table_name": "clusters", "sql": "FROM clusters_near('BTC', 0.25)"}
    macro = analyst.post("dataset/", asked)["id"]
    of_coin = [{"col": "coin", "op": "==", "val": "BTC"}]
    longs = {"expressionType": "SQL", "sqlExpression": "max(long_usd)", "label": "longs"}
    return {
        "columns": {c["column_name"]: c for c in analyst.get(f"dataset/{table}")["result"]["columns"]},
        "chart": analyst.chart(table, ["distance_bp"], [longs], of_coin),
        "macro": analyst.chart(macro, ["side", "price_low", "notional_usd"], [], []),
        "schemas": analyst.get(f"database/{database}/schemas/")["result"],
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
