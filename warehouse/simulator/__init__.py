"""Simulated exchanges: a market with known positions, served over HTTP in the formats of Binance, Bybit and OKX.

It tests the estimator and the adapters, and shares no code with either. Where it differs from an exchange's
documentation, the simulator is wrong. From the bottom up:

- ``seeds`` ``listing`` ``tiers``: random streams by subject and day, listings, margin tiers;
- ``prices`` ``crowd`` ``liquidation`` ``touches`` ``positions`` ``book`` ``truth`` ``market``: the market;
- ``known_positions``: markets of other crowds, written to files with their true maps;
- ``recorded`` ``recorded_files``: recorded series in place of the market (both implement the protocol in ``source``);
- ``wire`` ``binance*`` ``bybit*`` ``okx*``: the exchanges' formats, each a table from path to handler;
- ``binance_archive``: the daily and monthly archive files of the same market;
- ``limits`` ``faults`` ``fault_bodies`` ``server`` ``serve``: the HTTP server.
"""

from warehouse.simulator.market.market import Market
from warehouse.simulator.recorded.recorded import Recorded, recorded_range
from warehouse.simulator.server.faults import Fault, Faults
from warehouse.simulator.server.serve import Simulation, serve

__all__ = ["Fault", "Faults", "Market", "Recorded", "Simulation", "recorded_range", "serve"]
