"""Maps of countries and models: the opinion plane, and the Inglehart-Welzel cultural map.

Both place whoever answered by linear functions of answer shares, so that a country, a group and a
model are placed by the same rule. Every map states how well it fits and how much of a mark lies
outside it.
"""

from scoring.maps.make import MAPS, make_map
from scoring.maps.model import MapFile, MapPicture, Mark
from scoring.maps.rows import MapRow

__all__ = ["MAPS", "MapFile", "MapPicture", "MapRow", "Mark", "make_map"]
